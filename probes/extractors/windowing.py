"""Splitting a clip into windows for a model that takes fewer frames at a time than the clip has."""

from __future__ import annotations

from typing import Literal, get_args

from probes.extractors.extractor import whole_clip

Windowing = Literal["whole", "consecutive", "interleaved"]


def split(frames: int, kind: Windowing, length: int | None = None) -> list[list[int]]:
    """List the frames of each window: the whole clip, or windows of `length` frames.

    "consecutive" windows follow one another. "interleaved" windows all begin with frame 0; window i then takes every
    stride-th frame from i + 1 on, so that each window spans the clip: 5 windows of 16 from 76 frames, as the published
    study does for V-JEPA (specs/vidfm3d.md 2.2).

    Raises:
        ValueError: If the kind is unknown, or the windows do not use every frame.
    """
    if kind not in get_args(Windowing):
        raise ValueError(f"unknown windows={kind!r}: choose one of {', '.join(get_args(Windowing))}")
    if kind == "whole" or length is None:
        return whole_clip(frames)
    if kind == "consecutive":
        if frames % length or not frames:
            raise ValueError(
                f"consecutive windows of {length} frames leave some of {frames} over: take a multiple of {length}"
            )
        return [[*range(k, k + length)] for k in range(0, frames, length)]
    stride, rest = divmod(frames - 1, length - 1)
    if rest or stride < 1:
        raise ValueError(
            f"interleaved windows of {length} frames leave some of {frames} over: take 1 + {length - 1}k frames"
        )
    return [[0, *range(first, frames, stride)] for first in range(1, stride + 1)]
