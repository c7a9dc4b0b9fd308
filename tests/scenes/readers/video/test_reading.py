from __future__ import annotations

import logging
import subprocess
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from scenes.readers.video import read_video
from tests.support.clips.footage import corner, cut, shown_index, tag_rotation
from tests.support.clips.footage import write_footage as write_narrow_footage
from tests.support.clips.odd_footage import write_card, write_codes, write_matrix, write_streams

COUNT = 50
IRREGULAR = np.concatenate([[0], np.random.default_rng(0).integers(10, 400, COUNT - 1).cumsum()])
MILLISECOND = 1e-3  # time base of the test files
write_footage = partial(write_narrow_footage, width=128)  # decord2 3.4 cannot read frames of 96


def need(backend: str) -> None:
    """Skip where a backend is missing, or the FFmpeg libraries that torchcodec needs."""
    if backend == "decord":
        pytest.importorskip("decord")
    elif backend == "torchcodec":
        try:
            pytest.importorskip("torchcodec.decoders").VideoDecoder(b"")
        except (RuntimeError, ValueError) as error:
            if "Could not load libtorchcodec" in str(error):
                pytest.skip("torchcodec finds no FFmpeg libraries")


@pytest.fixture(params=["pyav", "torchcodec", "decord"])
def backend(request: pytest.FixtureRequest) -> Any:
    need(request.param)
    return request.param


def shown(clip: Any) -> list[int]:
    return [shown_index(image) for image in clip.video]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_irregular_frames_have_their_own_pixels_and_times(tmp_path: Path, backend: Any, suffix: str) -> None:
    clip = read_video(write_footage(tmp_path / f"a.{suffix}", IRREGULAR), backend=backend)
    assert shown(clip) == list(range(COUNT))
    torch.testing.assert_close(clip.seconds, torch.tensor(IRREGULAR / 1000).float(), atol=MILLISECOND, rtol=0)


def test_frames_are_sampled_uniformly_by_index_and_keep_their_times(tmp_path: Path, backend: Any) -> None:
    clip = read_video(write_footage(tmp_path / "a.mp4", IRREGULAR), frames=8, backend=backend)
    assert shown(clip) == [0, 7, 14, 21, 28, 35, 42, 49]
    torch.testing.assert_close(clip.seconds.double() * 1000, torch.tensor(IRREGULAR[::7]).double(), atol=1, rtol=0)


def test_indices_come_in_the_order_asked_for(tmp_path: Path, backend: Any) -> None:
    clip = read_video(write_footage(tmp_path / "a.mp4", IRREGULAR), indices=[30, 3, 4, 3], backend=backend)
    assert shown(clip) == [30, 3, 4, 3]


def test_time_starts_at_the_first_frame(tmp_path: Path, backend: Any) -> None:
    clip = read_video(write_footage(tmp_path / "a.mkv", IRREGULAR + 7000), frames=2, backend=backend)
    assert clip.seconds.tolist() == pytest.approx([0, IRREGULAR[-1] / 1000], abs=MILLISECOND)


def test_what_an_edit_list_cuts_away_is_not_shown(tmp_path: Path, caplog: Any) -> None:
    path = write_footage(tmp_path / "a.mp4", range(-500, 500, 50))  # an MP4 stores negative times behind an edit list
    clip = read_video(path)
    assert shown(clip) == list(range(10, 20))
    torch.testing.assert_close(clip.seconds, torch.arange(10) * 0.05, atol=MILLISECOND, rtol=0)
    assert caplog.messages == []


@pytest.mark.parametrize(
    "clockwise_deg, mark", [(90, (False, True)), (180, (True, True)), (270, (True, False))], ids=lambda x: str(x)
)
def test_the_rotation_tag_is_applied(tmp_path: Path, backend: Any, clockwise_deg: int, mark: tuple[bool, bool]) -> None:
    path = write_footage(tmp_path / "a.mp4", range(0, 300, 33))
    upright = read_video(path).video
    tag_rotation(path, clockwise_deg)
    turned = read_video(path, backend=backend).video
    assert corner(turned[0]) == mark
    expected = torch.rot90(upright, -clockwise_deg // 90, (2, 3))
    assert (turned.float() - expected.float()).abs().mean() < 2  # decord converts YUV to RGB with other rounding


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("times", [[0], [0, 10_000, 20_000]])
def test_slide_shows_are_whole(tmp_path: Path, name: str, times: list[int]) -> None:
    assert len(read_video(write_footage(tmp_path / name, times))) == len(times)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_cut_file_is_refused_and_the_line_counts_what_is_readable(tmp_path: Path, backend: Any, name: str) -> None:
    path = cut(write_footage(tmp_path / name, IRREGULAR, index_first=name == "a.mp4"), 0.8)
    with pytest.raises(ValueError, match=r"(\d+ frames are readable|use backend pyav)") as caught:
        read_video(path, backend=backend)
    assert "\n" not in str(caught.value)


def test_a_cut_file_gives_its_readable_part_on_demand_and_says_how_much(tmp_path: Path, caplog: Any) -> None:
    path = cut(write_footage(tmp_path / "a.mp4", IRREGULAR, index_first=True), 0.8)
    with caplog.at_level(logging.WARNING):
        clip = read_video(path, partial=True)
    assert 5 < len(clip) < COUNT
    assert shown(clip) == list(range(len(clip)))
    assert f"{len(clip)} of {COUNT} frames are readable" in caplog.messages[0]
    assert len(caplog.messages) == 1


def test_a_cut_matroska_file_gives_its_readable_part(tmp_path: Path, backend: Any, caplog: Any) -> None:
    path = cut(write_footage(tmp_path / "a.mkv", IRREGULAR), 0.6)
    with caplog.at_level(logging.WARNING):
        clip = read_video(path, backend=backend, partial=True)
    assert 5 < len(clip) < COUNT
    assert shown(clip) == list(range(len(clip)))
    assert f"{len(clip)} frames are readable" in caplog.messages[0]


def test_sampling_a_cut_file_spans_its_readable_part(tmp_path: Path) -> None:
    path = cut(write_footage(tmp_path / "a.mp4", IRREGULAR, index_first=True), 0.8)
    whole = read_video(path, partial=True)
    assert read_video(path, frames=4, partial=True).seconds[-1] == whole.seconds[-1]


def test_damage_in_the_middle_never_changes_which_frame_is_returned(tmp_path: Path) -> None:
    path = write_footage(tmp_path / "a.mkv", IRREGULAR)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)
    clip = read_video(path, partial=True)
    times = torch.tensor(IRREGULAR / 1000).float()
    assert all(
        (times[index] - second).abs() <= MILLISECOND for index, second in zip(shown(clip), clip.seconds, strict=True)
    )


@pytest.mark.parametrize("other", ["decord", "torchcodec"])
def test_other_backends_refuse_what_they_cannot_read_in_full(tmp_path: Path, other: Any) -> None:
    need(other)
    path = cut(write_footage(tmp_path / "a.mp4", IRREGULAR, index_first=True), 0.8)
    with pytest.raises(ValueError, match=r"use backend pyav|is cut or damaged"):
        read_video(path, backend=other)


@pytest.mark.parametrize("other", ["decord", "torchcodec"])
def test_other_backends_refuse_what_they_show_wrongly(tmp_path: Path, other: Any) -> None:
    need(other)
    mirrored = write_card(tmp_path / "mirrored.mp4")
    write_matrix(mirrored, -1, 0, 0, 1)
    wide = write_card(tmp_path / "wide.mp4", aspect=Fraction(4, 3))
    hdr = write_codes(tmp_path / "hdr.mkv", np.full((64, 64, 3), 30_000, np.uint16), 16)
    two = write_streams(tmp_path / "two.mkv", [(9, 9, 9), (99, 99, 99)], [64, 64], 0)
    reasons = {
        mirrored: "mirrored frames",
        wide: "non-square pixels",
        hdr: "high dynamic range",
        two: "several video streams",
    }
    for path, reason in reasons.items():
        with pytest.raises(ValueError, match=rf"{other} does not show .* right \({reason}\); use backend pyav"):
            read_video(path, backend=other)
        assert len(read_video(path)) > 0


@pytest.mark.parametrize("backend", ["decord", "torchcodec"])
def test_without_a_backend_the_error_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: Any
) -> None:
    monkeypatch.setitem(sys.modules, "decord", None)
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", None)
    with pytest.raises(ImportError, match=rf"region4d\[{backend}\]"):
        read_video(write_footage(tmp_path / "a.mp4", [0, 33]), backend=backend)


@pytest.mark.long
def test_decord_and_torchcodec_are_imported_by_their_backends_alone() -> None:
    program = "import sys, region4d.footage; print([name for name in ('decord', 'torchcodec') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_decord2_is_not_an_old_decord(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "decord", SimpleNamespace(__version__="0.6.0"))
    with pytest.raises(ImportError, match=r"decord2 is not installed.*region4d\[decord\]"):
        read_video(write_footage(tmp_path / "a.mp4", [0, 33]), backend="decord2")


def test_torchcodec_without_ffmpeg_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Could not load libtorchcodec. Likely causes:\n 1. FFmpeg is not properly installed")

    monkeypatch.setitem(sys.modules, "torchcodec", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", SimpleNamespace(VideoDecoder=fail))
    with pytest.raises(ImportError, match="apt-get install ffmpeg") as caught:
        read_video(write_footage(tmp_path / "a.mp4", [0, 33]), backend="torchcodec")
    assert "\n" not in str(caught.value)


def test_a_file_without_readable_frames_is_one_clear_line(tmp_path: Path, backend: Any) -> None:
    (tmp_path / "text.mp4").write_text("not a video\n" * 50)
    index_at_the_end = cut(write_footage(tmp_path / "a.mp4", IRREGULAR), 0.6)
    for path in (tmp_path / "text.mp4", index_at_the_end):
        with pytest.raises(ValueError, match="cannot be read as a video") as caught:
            read_video(path, backend=backend)
        assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path, backend: Any) -> None:
    with pytest.raises(FileNotFoundError, match="no such video file"):
        read_video(tmp_path / "none.mp4", backend=backend)


@pytest.mark.parametrize("asked", [{"indices": [50]}, {"indices": [-1]}, {"frames": 0}, {"frames": 2, "indices": [0]}])
def test_frames_outside_the_file_are_refused(tmp_path: Path, asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="frame"):
        read_video(write_footage(tmp_path / "a.mp4", IRREGULAR), **asked)


@pytest.mark.parametrize("name, count", [("cups", 300), ("coffee", 287)])
def test_real_footage_has_its_frames_and_times(shared_data: Path, backend: Any, name: str, count: int) -> None:
    clip = read_video(shared_data / "videos" / f"{name}.mp4", frames=4, backend=backend)
    assert clip.video.shape == (4, 3, 720, 1280)
    last = (count - 1) * 1001 / 30000
    assert clip.seconds.tolist() == pytest.approx([0, last / 3, last * 2 / 3, last], abs=1 / 60)  # rounded to frames
    assert clip.seconds[-1].item() == pytest.approx(last, abs=1e-4)


@pytest.mark.parametrize("other", ["decord", "torchcodec"])
def test_all_backends_see_the_same_real_frames(shared_data: Path, other: Any) -> None:
    need(other)
    path = shared_data / "videos" / "cups.mp4"
    ours, theirs, next_one = (
        read_video(path, indices=[i], backend=b).video.float() for i, b in ((150, "pyav"), (150, other), (151, "pyav"))
    )
    assert (ours - theirs).abs().mean() < 0.25 * (ours - next_one).abs().mean()  # far nearer than the next frame


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("open_gop", [False, True])
def test_a_frame_reached_by_a_jump_equals_the_frame_reached_by_decoding_all(
    tmp_path: Path, suffix: str, open_gop: bool, caplog: Any
) -> None:
    path = write_footage(tmp_path / f"a.{suffix}", IRREGULAR, gop=6, open_gop=open_gop)
    whole = read_video(path)
    for index in range(COUNT):
        alone = read_video(path, indices=[index])
        assert torch.equal(alone.video[0], whole.video[index])
        assert alone.seconds[0] == whole.seconds[index]
    few = read_video(path, frames=5)
    assert shown(few) == [0, 12, 24, 37, 49]
    assert caplog.messages == []  # nothing of this is taken for damage
