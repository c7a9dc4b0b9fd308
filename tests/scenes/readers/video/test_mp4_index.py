from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenes.readers.video import listing as listing_module
from scenes.readers.video import read_video
from scenes.readers.video.listing import Listing, list_frames, list_packets
from tests.support.clips.footage import cut, shown_index, write_footage
from tests.support.clips.odd_footage import write_card, write_sound, write_streams

IRREGULAR = np.concatenate([[0], np.random.default_rng(0).integers(10, 400, 49).cumsum()]).tolist()


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("index_first", [False, True])
@pytest.mark.parametrize("gop, open_gop", [(1, False), (6, True), (12, False), (1000, False)])
def test_the_index_lists_what_the_packets_list(
    tmp_path: Path, suffix: str, index_first: bool, gop: int, open_gop: bool
) -> None:
    path = write_footage(tmp_path / f"a.{suffix}", IRREGULAR, index_first, gop, open_gop)
    fast, slow = list_frames(path), list_packets(path)
    assert fast.indexed
    assert replace(fast, indexed=False, end=slow.end) == slow


def test_packets_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise AssertionError(f"all packets of {path} were read")

    path = write_footage(tmp_path / "a.mp4", IRREGULAR)
    monkeypatch.setattr(listing_module, "list_packets", refuse)
    monkeypatch.setattr("scenes.readers.video.reading.list_packets", refuse)
    assert [shown_index(image) for image in read_video(path, frames=3).video] == [0, 24, 49]


def test_the_track_of_the_stream_is_the_one_that_counts(tmp_path: Path) -> None:
    path = write_streams(tmp_path / "a.mp4", [(9, 9, 9), (99, 99, 99)], [64, 64], default=1)
    assert replace(list_frames(path), indexed=False, end=0) == replace(list_packets(path), end=0)


@pytest.mark.parametrize("make", ["edited", "fragmented", "cut"])
def test_where_the_index_does_not_tell_packets_are_read(tmp_path: Path, make: str) -> None:
    path = tmp_path / "a.mp4"
    if make == "edited":
        write_footage(path, range(-500, 500, 50))  # an edit list hides the frames before 0
    elif make == "fragmented":
        write_card(path, container_options={"movflags": "frag_keyframe+empty_moov"})
    else:
        path = cut(write_footage(path, IRREGULAR, index_first=True), 0.8)
    assert list_frames(path) == list_packets(path)
    assert not list_frames(path).indexed


def test_a_damaged_index_is_not_believed(tmp_path: Path) -> None:
    path = write_footage(tmp_path / "a.mp4", IRREGULAR)
    data, box = bytearray(path.read_bytes()), path.read_bytes().index(b"ctts")
    for at in range(box, box + 24):
        damaged = data.copy()
        damaged[at] ^= 0x11
        path.write_bytes(damaged)
        assert times(list_frames, path) == times(list_packets, path), at


def times(listing: Callable[[Path], Listing], path: Path) -> list[int] | str:
    try:
        return listing(path).times
    except ValueError as error:
        return str(error)


def test_a_file_of_sound_has_no_index_of_frames(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only sound"):
        list_frames(write_sound(tmp_path / "a.m4a", "aac"))
