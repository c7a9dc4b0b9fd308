"""The straight-line distance between two clicks, and the question about what was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from models.spoken_numbers import format_number
from region4d.app.marks import CanvasMark, MaskMark, PointMark, has_joined_frames, mark_regions
from region4d.app.opening import Opened
from region4d.footage import MarkedClip
from region4d.footage.scale import RELATIVE
from scenes.questions import CATEGORIES
from scenes.questions.facts import Facts
from scenes.questions.static import distances

QUESTION = CATEGORIES["distance"].stems[0]


@dataclass(frozen=True)
class Measurement:
    """A straight line between the surfaces under two clicks.

    `ends` are in the world where poses are known, else in the camera of the frame; in metres if `metric`, else of
    unknown scale.
    """

    ends: Float[Tensor, "2 3"]
    frames: tuple[int, int]
    metric: bool

    @property
    def length(self) -> float:
        """The distance between the ends."""
        return float((self.ends[1] - self.ends[0]).norm())

    @property
    def text(self) -> str:
        """The distance with three digits and its unit."""
        return f"{self.length:#.3g} {'m' if self.metric else RELATIVE}"


@dataclass(frozen=True)
class MatchingQuestion:
    """The distance question about regions around two clicks, in the frames that were clicked.

    `regions` names these regions in words. `truth` is the exact answer, where a world has one.
    """

    footage: MarkedClip
    regions: str
    truth: str | None


def measure(opened: Opened, marks: Sequence[CanvasMark]) -> Measurement:
    """Measure between two points, regions 0 and 1, by the point map.

    Raises:
        ValueError: there are not two points, the footage has no depth, a point lies outside of its frame or on a pixel
            without depth, or the points are on two frames that no camera poses join.
    """
    one, other = _points(marks)
    clip = opened.clip
    if clip.depth is None:
        raise ValueError(
            "this footage has no depth, so nothing can be measured; open a world or an RGB-D folder, or start the "
            "server with --depth-model"
        )
    if one.frame != other.frame and not has_joined_frames(clip):
        raise ValueError(
            f"the points are on frames {one.frame} and {other.frame}, but no camera poses join the frames of this "
            "footage; put both on one frame"
        )
    height, width = clip.size
    points = clip.frames([one.frame, other.frame]).points()
    assert points is not None
    for place, mark in enumerate((one, other)):
        where = f"point {place} ({mark.x:g}, {mark.y:g} on frame {mark.frame})"
        if not (0 <= mark.x < width and 0 <= mark.y < height):
            raise ValueError(f"{where} lies outside the frame of {width} x {height} pixels")
        if not bool(points.valid[place, int(mark.y), int(mark.x)]):
            raise ValueError(f"there is no depth at {where}; put it beside, where there is some")
    ends = points.xyz[[0, 1], [int(one.y), int(other.y)], [int(one.x), int(other.x)]]
    return Measurement(ends, (one.frame, other.frame), clip.metric)


def matching_question(opened: Opened, marks: Sequence[CanvasMark]) -> MatchingQuestion:
    """Mark what was clicked, in the frames that were clicked alone: their first one is "the start" of the question.

    In a world with two different objects under the clicks, these are the regions, and the distance between the centres
    of their boxes is the truth. Elsewhere the regions are discs around the clicks.
    """
    points = _points(marks)
    frames = sorted({mark.frame for mark in points})
    seen = replace(opened, clip=opened.clip.frames(frames), questions=())
    discs = [replace(mark, frame=frames.index(mark.frame)) for mark in points]
    objects = _objects(seen, discs)
    if objects is None:
        return MatchingQuestion(mark_regions(seen, discs), "discs around the two points", None)
    truth = seen.clip.truth
    assert truth is not None
    whole = [
        MaskMark.of(region, frame, truth.instances[frame] == place + 1)
        for region, place in enumerate(objects)
        for frame in range(len(frames))
        if bool((truth.instances[frame] == place + 1).any())
    ]
    facts = Facts.of(seen.clip)
    exact = f"{format_number(float(distances(facts)[objects]))} m" if facts.placed[list(objects)].all() else None
    return MatchingQuestion(mark_regions(seen, whole), "the two objects under the points", exact)


def _points(marks: Sequence[CanvasMark]) -> tuple[PointMark, PointMark]:
    points = sorted((mark for mark in marks if isinstance(mark, PointMark)), key=lambda mark: mark.region)
    if len(marks) != 2 or [mark.region for mark in points] != [0, 1]:
        raise ValueError(f"a measurement needs two points, of regions 0 and 1; got {len(marks)} marks")
    return points[0], points[1]


def _objects(opened: Opened, points: Sequence[PointMark]) -> tuple[int, int] | None:
    """Find two different objects of a world under two points."""
    truth = opened.clip.truth
    if truth is None:
        return None
    one, other = (int(truth.instances[mark.frame, int(mark.y), int(mark.x)]) - 1 for mark in points)
    return (one, other) if one != other and min(one, other) >= 0 else None
