"""What is lifted: one frame, the masks of objects in it, its camera, and its points where depth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.checkpoint_registry import shipped_checkpoints
from models.geometry import PointMap, default_intrinsics, unproject
from models.lifting.inputs.boxed_object import object_in_box
from models.lifting.judgement import is_box
from models.regions import Region
from region4d.footage import FrameChoice, GeometrySource, Mark, MarkedClip, Pointer, open_footage
from region4d.footage.geometry import ASSUMED_FOV_DEG
from region4d.footage.notes import ASSUMED_CAMERA
from region4d.footage.visibility import region_facts
from scenes.clip import Clip


@dataclass(frozen=True)
class LiftInput:
    """One frame and the objects marked in it. `points` are in the frame "cam"; `depth` names their origin.

    `frame` counts the frames of the footage, or the sampled ones where `sampled` says how many those are.
    """

    source: Path
    frame: int
    image: UInt8[Tensor, "3 height width"]
    masks: Sequence[Bool[Tensor, "height width"]]
    intrinsics: Float[Tensor, "3 3"]
    points: PointMap | None
    depth: str | None
    notes: Sequence[str]  # what was assumed, one line each
    sampled: int | None = None
    clip: Clip | None = None  # of this frame alone
    metric: bool = True  # whether lengths are in metres, where there is depth; otherwise their scale is unknown
    regions: Sequence[dict[str, Any]] = ()  # what marks each object, and its pixels with and without depth


def read_input(
    source: Path,
    frames: FrameChoice,
    pointers: Sequence[Pointer],
    geometry: GeometrySource,
    segmenter: str | None = None,
) -> LiftInput:
    """Read the footage and refuse what cannot be lifted, before any network runs.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file, flag, mask or box cannot be used.
    """
    if not pointers:
        raise ValueError("no object is marked; use --mask FILE (non-zero is inside) or --region x0,y0,x1,y1 (pixels)")
    footage = open_footage(source, frames, pointers, geometry, one_frame=True, segmenter=segmenter)
    frame = frames.index if frames.index is not None else footage.frame or 0
    return input_of(footage, source, frame, frames.count)


def input_of(footage: MarkedClip, source: Path, frame: int, sampled: int | None = None) -> LiftInput:
    """Take what is lifted from footage of one frame, with its objects marked.

    Args:
        footage: the frame.
        source: where it comes from.
        frame: its number there.
        sampled: how many frames were sampled, where `frame` counts those.

    Raises:
        ValueError: of a mark no pixel has depth, or nothing stands out in its box.
    """
    clip = footage.clip
    intrinsics = default_intrinsics(*clip.size, ASSUMED_FOV_DEG) if clip.intrinsics is None else clip.intrinsics[0]
    points = None if clip.depth is None else unproject(clip.depth[0], intrinsics)
    masks: dict[int, Tensor] = {}
    for mark in footage.marks:
        mask = _object_mask(mark, points)
        masks[mark.index] = masks[mark.index] | mask if mark.index in masks else mask
    objects = [masks[index] for index in sorted(masks)]
    return LiftInput(
        source=source,
        frame=frame,
        clip=clip,
        image=clip.video[0],
        masks=objects,
        intrinsics=intrinsics,
        points=points,
        depth=footage.depth,
        notes=_notes(footage),
        sampled=sampled,
        metric=clip.metric,
        regions=region_facts(footage, [Region({0: mask}) for mask in objects]),
    )


def _object_mask(mark: Mark, points: PointMap | None) -> Bool[Tensor, "height width"]:
    """Take a mark as it is; of a box with depth, take the object that stands out in it."""
    mask, pointer = mark.mask, mark.pointer
    if points is None:
        return mask
    if pointer.kind == "region":
        try:
            mask = object_in_box(mask, points)
        except ValueError as error:
            raise ValueError(f"--region {pointer.text}: {error}") from error
    if not bool((mask & points.valid).any()):
        raise ValueError(
            f"none of the {int(mask.sum())} pixels of {pointer.flag} has depth (0, negative, NaN and infinite are "
            "unknown); mark an object with depth, or lift without metres by --no-depth"
        )
    return mask


def known_objects(model: str | Path, clip: Clip | None) -> list[str]:
    """Say in one line which objects a model that comes with region4d has seen; [] of a world, or of any other model."""
    if not knows_toys_alone(model, clip):
        return []
    return [
        f"{model} knows twelve families of rendered toys: of any other object expect a rough shape (docs/lifting.md)"
    ]


def knows_toys_alone(model: str | Path, clip: Clip | None) -> bool:
    """Tell whether a model that comes with region4d, trained on toys, is shown something else than a world of them."""
    return str(model) in shipped_checkpoints() and (clip is None or clip.truth is None)


def outlines_alone(model: str | Path, given: LiftInput) -> bool:
    """Tell whether outlines are all there is: no depth, masks that are no boxes, and a model that knows toys alone."""
    outlined = given.points is None and not any(is_box(mask) for mask in given.masks)
    return outlined and knows_toys_alone(model, given.clip)


def _notes(footage: MarkedClip) -> list[str]:
    notes = [*footage.notes]
    if footage.camera == "assumed":
        notes.append(ASSUMED_CAMERA)
    if footage.camera == "EXIF":
        hfov = 2 * math.atan(0.5 * footage.clip.size[1] / float(footage.clip.intrinsics[0, 0, 0]))  # type: ignore[index]
        notes.append(f"the camera is that of the photo's EXIF data: {math.degrees(hfov):.0f} degrees across")
    if footage.relative:
        notes.append(f"the depth of {footage.depth} has an unknown scale: lengths are in relative units")
    if footage.depth is None:
        notes.append("no depth: pose and scale are those of an average scene, not metres")
        if any(mark.pointer.kind == "region" for mark in footage.marks):
            notes.append("no depth: a box marks all of its pixels, background included")
    return notes
