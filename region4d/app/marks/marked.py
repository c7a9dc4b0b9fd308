"""From what a visitor drew to the regions of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from models.geometry import valid_depth
from models.sr3d.text.mentions import mention, mentioned
from region4d.app.marks.forms import CanvasMark, ClickMark, MaskMark, StrokeMark
from region4d.footage import Mark, MarkedClip, Pointer
from scenes.clip import Clip

if TYPE_CHECKING:
    from region4d.app.opening import Opened


def has_joined_frames(clip: Clip) -> bool:
    """Whether all its frames are used together: they are not where depth has no camera poses to join them in space."""
    return len(clip) == 1 or clip.depth is None or clip.world_T_cam is not None


def mark_regions(opened: Opened, marks: Sequence[CanvasMark]) -> MarkedClip:
    """Draw marks in a clip, in their order: a stroke that erases takes away what earlier marks of its region drew.

    Where depth has no camera poses, which would join frames in one space, only the frame of the marks is kept: its
    `frame` says which, and the regions are on frame 0 of its clip.

    Raises:
        ValueError: regions have a gap in their numbers, a mark lies outside of its frame, nothing is left of a region,
            or regions are on several frames that nothing joins.
    """
    numbers = sorted({mark.region for mark in marks})
    if numbers != list(range(len(numbers))):
        raise ValueError(f"regions are numbered 0, 1, ... without a gap; drawn are {numbers}")
    drawn = [mark for region in numbers for mark in _draw(region, marks, opened.clip.size)]
    clip, frame = opened.clip, None
    if not has_joined_frames(clip):
        marked = sorted({mark.frame for mark in drawn}) or [0]
        if len(marked) > 1:
            raise ValueError(
                f"regions are drawn on frames {', '.join(map(str, marked))}, but no camera poses join the frames of "
                "this footage; draw all on one frame"
            )
        frame = marked[0]
        clip, drawn = clip.frames([frame]), [replace(mark, frame=0) for mark in drawn]
    return MarkedClip(clip, drawn, opened.depth, opened.camera, frame, opened.remarks)


def mark_clip(opened: Opened, marks: Sequence[CanvasMark], question: str) -> MarkedClip:
    """Draw the marks of a question in a clip, as `mark_regions` does.

    Raises:
        ValueError: the question is empty, it and the marks name different regions, a region has no depth though the
            clip has, or as `mark_regions` has them.
    """
    _check_question(question, marks)
    marked = mark_regions(opened, marks)
    depth = marked.clip.depth
    for k, region in enumerate(marked.regions if depth is not None else []):
        assert depth is not None
        if not any(bool((valid_depth(depth[frame]) & mask).any()) for frame, mask in region.masks.items()):
            raise ValueError(f"{mention(k)} has no depth at any of its pixels; draw it where the footage has some")
    return marked


def _draw(region: int, marks: Sequence[CanvasMark], size: tuple[int, int]) -> list[Mark]:
    """Draw one region: one mask a frame, without the frames in which nothing is left of it."""
    own = [mark for mark in marks if mark.region == region]
    if any(isinstance(mark, ClickMark) for mark in own) and not any(isinstance(mark, MaskMark) for mark in own):
        raise ValueError(f"no segmenter has made a mask of the clicks of region {region} yet; wait for it, or draw it")
    masks = {mark.frame: torch.zeros(size, dtype=torch.bool) for mark in own}
    for mark in own:
        try:
            inside = mark.mask(*size)
        except ValueError as error:
            raise ValueError(f"region {region} on frame {mark.frame}: {error}") from error
        if inside is not None:
            erases = isinstance(mark, StrokeMark) and mark.erase
            masks[mark.frame] = masks[mark.frame] & ~inside if erases else masks[mark.frame] | inside
    left = {frame: mask for frame, mask in sorted(masks.items()) if bool(mask.any())}
    if not left:
        raise ValueError(f"nothing is left of region {region}: draw it again, or clear it")
    kinds = {mark.kind for mark in own}
    kind = "click" if "click" in kinds else kinds.pop() if len(kinds) == 1 else "mask"
    return [
        Mark(Pointer(kind, f"region {region}", region, "drawn", frame), frame, mask) for frame, mask in left.items()
    ]


def _check_question(question: str, marks: Sequence[CanvasMark]) -> None:
    if not question.strip():
        raise ValueError("there is no question; write one, or choose an example")
    asked, drawn = set(mentioned(question)), {mark.region for mark in marks}
    if missing := sorted(asked - drawn):
        raise ValueError(f"the question mentions {mention(missing[0])}, which is not drawn; draw it on a frame")
    if silent := sorted(drawn - asked):
        raise ValueError(
            f"{mention(silent[0])} is drawn, but the question does not mention it; mention it or remove it"
        )
