"""How a clip is cut for a model that takes fewer frames at a time than the clip has."""

from __future__ import annotations

from typing import Literal, get_args

from probes.extractors.extractor import whole_clip

Cut = Literal["whole", "consecutive", "interleaved"]


def cut(frames: int, kind: Cut, length: int | None = None) -> list[list[int]]:
    """Say which frames each piece takes: the whole clip, or pieces of `length` frames.

    "consecutive" pieces follow one another. "interleaved" pieces all begin with frame 0; of the others, piece i takes
    every stride-th from frame i + 1 on, so that each piece spans the clip: 5 pieces of 16 from 76 frames, for the
    V-JEPA of the study (specs/vidfm3d.md 2.2).

    Raises:
        ValueError: the kind is unknown, or frames are left over.
    """
    if kind not in get_args(Cut):
        raise ValueError(f"pieces={kind!r} is unknown: choose one of {', '.join(get_args(Cut))}")
    if kind == "whole" or length is None:
        return whole_clip(frames)
    if kind == "consecutive":
        if frames % length or not frames:
            raise ValueError(
                f"consecutive pieces of {length} frames leave some of {frames} over: take a multiple of {length}"
            )
        return [[*range(k, k + length)] for k in range(0, frames, length)]
    stride, rest = divmod(frames - 1, length - 1)
    if rest or stride < 1:
        raise ValueError(
            f"interleaved pieces of {length} frames leave some of {frames} over: take 1 + {length - 1}k frames"
        )
    return [[0, *range(first, frames, stride)] for first in range(1, stride + 1)]
