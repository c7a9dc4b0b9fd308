import pytest

from probes.extractors.extractor import tubelet_slots
from probes.extractors.slots import SlotMap
from probes.extractors.windowing import split


def test_interleaved_pieces_put_every_frame_where_the_study_looks_for_it() -> None:
    windows = split(76, "interleaved", 16)
    assert [len(window) for window in windows] == [16] * 5
    slots = SlotMap(tuple(tuple(window[k] for k in seen) for window in windows for seen in tubelet_slots(16, 2)))
    assert slots.slots_of([0]) == [0]
    # specs/vidfm3d.md 2.2, in whole numbers: window (s - 1) % 5, token ((s - 1) // 5 + 1) // 2, 8 tokens a window
    for frame in range(1, 76):
        assert slots.slots_of([frame]) == [(frame - 1) % 5 * 8 + ((frame - 1) // 5 + 1) // 2]
    assert slots.slots_of([50, 64]) == [4 * 8 + 5, 3 * 8 + 6]  # by hand; the release is wrong here, in single precision


def test_every_interleaved_piece_begins_with_frame_0_and_spans_the_clip() -> None:
    assert split(13, "interleaved", 4) == [[0, 1, 5, 9], [0, 2, 6, 10], [0, 3, 7, 11], [0, 4, 8, 12]]


def test_consecutive_pieces_follow_one_another() -> None:
    assert split(6, "consecutive", 3) == [[0, 1, 2], [3, 4, 5]]


def test_a_whole_clip_is_one_piece() -> None:
    assert split(3, "whole") == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("frames", "kind", "advice"),
    [
        (75, "interleaved", "take 1 \\+ 15k frames"),
        (1, "interleaved", "take 1 \\+"),
        (40, "consecutive", "a multiple of 16"),
    ],
)
def test_frames_that_are_left_over_are_refused(frames: int, kind: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        split(frames, kind, 16)  # type: ignore[arg-type]
