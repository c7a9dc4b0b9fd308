"""Which frames of a file are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenes.readers.frame_choice import choose_frames

FILE = Path("clip.mp4")


@pytest.mark.parametrize(
    ("frames", "indices", "chosen"),
    [
        (None, None, [0, 1, 2, 3, 4, 5, 6]),
        (3, None, [0, 3, 6]),
        (1, None, [0]),
        (20, None, [0, 1, 2, 3, 4, 5, 6]),
        (None, [6, 0, 0], [6, 0, 0]),
    ],
)
def test_frames_are_chosen_by_count_or_by_index(
    frames: int | None, indices: list[int] | None, chosen: list[int]
) -> None:
    assert choose_frames(7, frames, indices, FILE) == chosen


@pytest.mark.parametrize(
    ("frames", "indices", "said"),
    [
        (2, [0], r"give frames \(a count\) or indices, not both"),
        (None, [0, 7, -1], r"clip\.mp4 has frames 0 to 6, got \[7, -1\]"),
        (None, [], r"clip\.mp4 has frames 0 to 6, got no index"),
        (0, None, r"the number of frames of clip\.mp4 must be 1 or more, got 0"),
    ],
)
def test_a_choice_that_is_none_is_refused(frames: int | None, indices: list[int] | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        choose_frames(7, frames, indices, FILE)
