"""Lifting the object that a visitor marked: one model, which all visitors share, loaded at first use."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from models.checkpoint_registry import checkpoint_folder
from models.geometry import unproject
from models.lifting import LiftedObject, LiftingModel, Sampling
from models.lifting.checkpoint import load_model
from models.lifting.export import METRES
from models.lifting.inputs.boxed_object import object_in_box
from region4d.app.marks import CanvasMark, mark_regions
from region4d.app.opening import Opened
from region4d.app.work import Report
from region4d.footage import Mark, MarkedClip
from region4d.footage.scale import RELATIVE
from region4d.lifting.input import LiftInput, input_of, known_objects, outlines_alone
from region4d.lifting.options import LiftOptions
from region4d.lifting.output import confidence_text, describe, distance_text, shape_line, size_text, unit_of
from region4d.lifting.run import lift_counted
from scenes.clip import Clip

EFFORTS = {"quick": LiftOptions(best_of=4, fit="pose"), "thorough": LiftOptions()}  # of footage with depth
NETWORKS = 0.9  # share of the time of a lift


@dataclass(frozen=True)
class Lifted:
    """A lifted object with what is known of it. `clip` is its frame, number `frame` of what was opened."""

    model: str
    given: LiftInput
    obj: LiftedObject
    fact: Mapping[str, Any]
    sampling: Sampling
    clip: Clip
    frame: int
    truth: str | None
    seconds: float

    @property
    def unit(self) -> str | None:
        """The unit of lengths, as `region4d lift` names it; None without depth."""
        return unit_of(self.given)

    @property
    def short_unit(self) -> str:
        """The unit after a number."""
        return "m" if self.unit == METRES else RELATIVE

    @property
    def size(self) -> str | None:
        """Its size along its own axes; None without depth, where it is that of an average scene."""
        return None if self.unit is None else f"{size_text(self.fact)} {self.short_unit}"

    @property
    def lines(self) -> list[str]:
        """What the model was given, what was assumed, and how well the mesh agrees with the points."""
        given, fact = self.given, self.fact
        lines = [f"frame {self.frame}, {fact['mask_pixels']} pixels of the object", _sampled(self.sampling)]
        if self.unit is None:
            return [*lines, shape_line(fact).partition(": ")[2], *given.notes]
        scale = "metric" if given.metric else "of unknown scale"
        return [
            *lines,
            f"depth: {given.depth} ({scale})",
            f"distance from the camera: {fact['distance_from_camera']:.2f} {self.short_unit}",
            shape_line(fact).partition(": ")[2],
            f"expected overlap with the object: {confidence_text(fact)}",
            f"support: {fact['support']:.0%} of the visible points lie on the mesh",
            f"median distance between mesh and points: {distance_text(fact, self.unit)}",
            *given.notes,
        ]


def _sampled(sampling: Sampling) -> str:
    """State how many samples were drawn, and what follows the visible points."""
    if sampling.shape == "hull":
        return "no network: what is seen alone"
    samples = "one sample" if sampling.best_of == 1 else f"the best of {sampling.best_of} samples"
    follows = {"none": "nothing follows", "pose": "its pose follows", "shape": "its pose and shape follow"}
    return f"{samples}; {follows[sampling.fit]} the visible points"


@dataclass
class Lifter:
    """A lifting model by name or folder. Its lock lets one visitor in at a time."""

    model: Path
    device: torch.device | str = "cpu"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if not (checkpoint_folder(self.model) / "config.json").is_file():
            raise FileNotFoundError(
                f"--lift-model '{self.model}' is not a lifting model; give a shipped name (lift_tiny) or a folder"
            )

    @cached_property
    def networks(self) -> LiftingModel:
        """The networks; errors as `load_model` has them."""
        return load_model(self.model).to(self.device)

    def lift(self, opened: Opened, marks: Sequence[CanvasMark], effort: str, report: Report) -> Lifted:
        """Lift the one object that is marked on one frame, with one of EFFORTS.

        Raises:
            ValueError: nothing is marked, or several regions or frames are, or the object has no depth, does not stand
                out in its box, or no sample of it has a surface.
        """
        footage, frame = one_object(opened, marks)
        given = input_of(footage, Path(opened.title), frame)
        options = LiftOptions() if given.points is None else EFFORTS[effort]
        with self.lock:
            report(f"loading {self.model.name}", 0.0)
            networks = self.networks
            sampling = options.resolve(networks.distilled, given.points is not None, outlines_alone(self.model, given))
            start = time.perf_counter()
            (obj,) = lift_counted(
                networks,
                given,
                sampling,
                [options.seed],
                lambda called, total: report("lifting", NETWORKS * (called / total)),
            )
            seconds = time.perf_counter() - start
        report("measuring", NETWORKS)
        (fact,) = describe(given, [obj], options.seed)
        truth = true_object(footage.clip, given)
        given = replace(given, notes=[*given.notes, *known_objects(self.model, footage.clip)])
        return Lifted(self.model.name, given, obj, fact, sampling, footage.clip, frame, truth, seconds)


def one_object(opened: Opened, marks: Sequence[CanvasMark]) -> tuple[MarkedClip, int]:
    """Take the frame of the marks, with the mask of the one object in it, and the number of the frame.

    Of a box in footage with depth, the object that stands out in it is the mask.

    Raises:
        ValueError: as `Lifter.lift` has it.
    """
    if not marks:
        raise ValueError("no object is marked; draw a region around it on a frame")
    if regions := sorted({mark.region for mark in marks} - {0}):
        raise ValueError(
            f"one object is lifted at a time; region {regions[0]} is drawn as well: remove all but region 0"
        )
    if len(frames := sorted({mark.frame for mark in marks})) > 1:
        raise ValueError(f"one frame is lifted; the region is drawn on frames {', '.join(map(str, frames))}: keep one")
    footage, (frame,) = mark_regions(opened, marks), frames
    clip = footage.clip if footage.frame is not None else footage.clip.frames([frame])
    (mark,) = footage.marks
    drawn = _with_depth(replace(mark, frame=0), clip)
    return MarkedClip(clip, [drawn], footage.depth, footage.camera, frame, footage.remarks), frame


def _with_depth(mark: Mark, clip: Clip) -> Mark:
    if clip.depth is None or clip.intrinsics is None:
        return mark
    points = unproject(clip.depth[0], clip.intrinsics[0])
    mask = mark.mask
    if mark.pointer.kind == "region":
        try:
            mask = object_in_box(mask, points)
        except ValueError as error:
            raise ValueError(f"no object is found in this box by its depth ({error}); paint the object") from error
    if not bool((mask & points.valid).any()):
        raise ValueError(f"none of the {int(mask.sum())} pixels of the region has depth; mark an object that has some")
    return replace(mark, mask=mask, pointer=replace(mark.pointer, kind="mask"))


def true_object(clip: Clip, given: LiftInput) -> str | None:
    """State the true size and distance of the object of a world that fills most of the mask; None of other footage."""
    truth, world_T_cam = clip.truth, clip.world_T_cam
    if truth is None or world_T_cam is None:
        return None
    counts = torch.bincount(truth.instances[0][given.masks[0]].long(), minlength=len(truth.objects) + 1)
    index = int(counts.argmax()) - 1
    if index < 0:
        return None  # the room itself
    known = truth.objects[index]
    distance = float((truth.world_T_obj[0, index, :3, 3] - world_T_cam[0, :3, 3]).norm())
    return f"{known.colour} {known.family}, {' x '.join(f'{side:.2f}' for side in known.size)} m, {distance:.2f} m away"
