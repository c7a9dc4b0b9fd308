"""Which frames of a file to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scenes.clip import uniform_frames


def choose_frames(length: int, frames: int | None, indices: Sequence[int] | None, path: Path) -> list[int]:
    """Choose frame indices out of `length`: `frames` of them uniformly, or just `indices`, or all.

    Raises:
        ValueError: both are given, `frames` is below 1, or `path` has no frame of that index.
    """
    if frames is not None and indices is not None:
        raise ValueError("give frames (a count) or indices, not both")
    if indices is not None:
        wrong = [i for i in indices if not 0 <= i < length]
        if wrong or not indices:
            raise ValueError(f"{path} has frames 0 to {length - 1}, got {wrong or 'no index'}")
        return list(indices)
    if frames is not None and frames < 1:
        raise ValueError(f"the number of frames of {path} must be 1 or more, got {frames}")
    return list(range(length)) if frames is None else uniform_frames(length, frames)
