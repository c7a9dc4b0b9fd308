"""The boxes that a visitor draws: from the canvas to the regions of a question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Any

from models.sr3d.text.mentions import mention, mentioned
from region4d.footage import MarkedClip, parse_pointers

if TYPE_CHECKING:
    from region4d.app.opening import Opened

MOST_REGIONS, MOST_BOXES = 10, 200


@dataclass(frozen=True, order=True)
class BoxMark:
    """A box of `<region region>` in a frame, in pixels of the frame."""

    region: int
    frame: int
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def pointer(self) -> str:
        """The box as a value of `--region`."""
        return f"{self.region}:{self.x0:.1f},{self.y0:.1f},{self.x1:.1f},{self.y1:.1f}@{self.frame}"


def to_canvas(marks: Sequence[BoxMark]) -> list[list[float]]:
    """Write marks as the canvas holds them: [region, frame, x0, y0, x1, y1]."""
    return [list(astuple(mark)) for mark in marks]


def from_canvas(value: Any, frames: int) -> list[BoxMark]:
    """Read what a canvas, or a program, sent: a list of [region, frame, x0, y0, x1, y1].

    Raises:
        ValueError: it is something else, or beyond the limits.
    """
    form = "regions are a list of [region, frame, x0, y0, x1, y1]"
    if value is None or value == "":
        return []
    if not isinstance(value, list) or len(value) > MOST_BOXES:
        raise ValueError(f"{form}, at most {MOST_BOXES}; got {type(value).__name__}")
    marks = []
    for row in value:
        numbers = isinstance(row, list) and len(row) == 6 and all(type(x) in (int, float) for x in row)
        if not numbers or not all(math.isfinite(x) for x in row):
            raise ValueError(f"{form}; got {str(row)[:60]}")
        region, frame = int(row[0]), int(row[1])
        if not (0 <= region < MOST_REGIONS and 0 <= frame < frames):
            raise ValueError(
                f"region {region} on frame {frame} does not exist: draw it again on one of {frames} frames"
            )
        marks.append(BoxMark(region, frame, *map(float, row[2:])))
    return marks


def mark_clip(opened: Opened, marks: Sequence[BoxMark], question: str) -> MarkedClip:
    """Draw the boxes in a clip.

    Where depth has no camera poses, which would join frames in one space, only the frame of the boxes is kept.

    Raises:
        ValueError: the question is empty, it and the boxes name different regions, or a box lies outside of its frame.
    """
    _check_question(question, marks)
    clip = opened.clip
    drawn = [
        mark for pointer in parse_pointers([each.pointer for each in marks], [], []) for mark in pointer.marks(clip)
    ]
    frame = None
    if len(clip) > 1 and clip.depth is not None and clip.world_T_cam is None:
        marked = sorted({mark.frame for mark in marks}) or [0]
        if len(marked) > 1:
            raise ValueError(
                f"regions are drawn on frames {', '.join(map(str, marked))}, but no camera poses join the frames of "
                "this footage; draw all on one frame"
            )
        frame = marked[0]
        clip, drawn = clip.frames([frame]), [replace(mark, frame=0) for mark in drawn]
    return MarkedClip(clip, drawn, opened.depth, opened.camera, frame, opened.remarks)


def _check_question(question: str, marks: Sequence[BoxMark]) -> None:
    if not question.strip():
        raise ValueError("there is no question; write one, or choose an example")
    asked, drawn = set(mentioned(question)), {mark.region for mark in marks}
    if missing := sorted(asked - drawn):
        raise ValueError(f"the question mentions {mention(missing[0])}, which is not drawn; draw it on a frame")
    if silent := sorted(drawn - asked):
        raise ValueError(
            f"{mention(silent[0])} is drawn, but the question does not mention it; mention it or remove it"
        )
    if drawn != set(range(len(drawn))):
        raise ValueError(f"regions are numbered 0, 1, ... without a gap; drawn are {sorted(drawn)}")
