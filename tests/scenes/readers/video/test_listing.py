from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from scenes.readers.video import pyav, read_video, reading
from scenes.readers.video.listing import list_packets
from tests.support.clips.footage import shown_index, write_footage
from tests.support.clips.odd_footage import write_card


def retimed(source: Path, path: Path, times: list[int]) -> Path:
    """Copy packets without B-frames, with other times (ms)."""
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        stream = given.streams.video[0]
        copy = container.add_stream_from_template(stream)
        packets = [packet for packet in given.demux(stream) if packet.size]
        for packet, time in zip(packets, times, strict=True):
            packet.stream, packet.time_base = copy, Fraction(1, 1000)
            packet.pts = packet.dts = time
            container.mux(packet)
    return path


def test_of_frames_with_the_same_time_the_first_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    times = [0, 100, 200, 200, 300, 400]
    path = retimed(write_card(tmp_path / "a.mkv", "mpeg4", options={"bf": "0"}), tmp_path / "b.mkv", times)
    listing = list_packets(path)
    assert (len(listing.times), listing.stored) == (5, 6)
    clip = read_video(path)
    assert clip.seconds.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert caplog.messages == []  # not taken for damage


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg"])
def test_an_avi_without_b_frames_is_not_decoded_to_be_listed(
    tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_card(tmp_path / "a.avi", codec, pixels, frames=30, options={"bf": "0", "g": "10"})
    decoded = read_video(path)

    def refuse(*_: object) -> None:
        raise AssertionError("all frames were decoded")

    monkeypatch.setattr("scenes.readers.video.listing.list_decoded", refuse)
    monkeypatch.setattr(reading, "list_decoded", refuse)
    few = read_video(path, indices=[0, 14, 29])
    assert few.seconds.tolist() == pytest.approx([0, 1.4, 2.9])
    assert torch.equal(few.video, decoded.video[[0, 14, 29]])


def test_an_avi_with_b_frames_has_its_frames_in_order(tmp_path: Path) -> None:
    path = write_footage(tmp_path / "a.avi", range(0, 2000, 40))  # packets between frames are empty
    clip = read_video(path)
    assert [shown_index(image) for image in clip.video] == list(range(50))
    assert clip.seconds.tolist() == pytest.approx([0.04 * index for index in range(50)], abs=0.01)
    assert [shown_index(image) for image in read_video(path, frames=3).video] == [0, 24, 49]


@pytest.mark.parametrize("codec, options", [("libx264", {"crf": "4", "bf": "2"}), ("mpeg4", {"bf": "0"})])
def test_a_cut_avi_is_refused(tmp_path: Path, codec: str, options: dict[str, str]) -> None:
    path = write_card(tmp_path / "a.avi", codec, frames=40, options=options)
    with av.open(str(path)) as container:
        end = [packet.pos for packet in container.demux(video=0) if packet.size][25]
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(ValueError, match="is cut or damaged"):
        read_video(path)
    assert 20 < len(read_video(path, partial=True)) <= 25


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("gop", [12, 1000])
def test_only_what_leads_to_the_chosen_frames_is_decoded(
    tmp_path: Path, suffix: str, gop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_footage(tmp_path / f"a.{suffix}", range(0, 64 * 33, 33), gop=gop)
    decoded = 0

    def count(*args: object, **options: object) -> object:
        nonlocal decoded
        for frame in decode(*args, **options):  # type: ignore[arg-type]
            decoded += 1
            yield frame

    decode = pyav.decode
    monkeypatch.setattr(pyav, "decode", count)
    assert [shown_index(image) for image in read_video(path, indices=[1, 50]).video] == [1, 50]
    assert decoded <= (24 if gop == 12 else 52)


def test_times_far_apart_and_close_together_are_exact(tmp_path: Path) -> None:
    milliseconds = np.array([0, 1, 2, 1000, 1001, 3_600_000, 3_600_001, 7_200_000])
    clip = read_video(write_footage(tmp_path / "a.mkv", milliseconds.tolist()), frames=8)
    assert [shown_index(image) for image in clip.video] == list(range(8))
    torch.testing.assert_close(clip.seconds.double(), torch.tensor(milliseconds / 1000), atol=1e-3, rtol=0)
