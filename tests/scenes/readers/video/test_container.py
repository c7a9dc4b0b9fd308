from __future__ import annotations

import os
from pathlib import Path

import pytest

from scenes.readers.video import container, read_video
from scenes.readers.video.container import open_video
from tests.support.clips.footage import write_footage
from tests.support.clips.odd_footage import BLUE, GREEN, RED, write_sound, write_streams

TIMES = range(0, 200, 33)


@pytest.mark.parametrize(
    "name",
    ["rec:12:30.mp4", "http:a.mp4", "-a.mp4", "a%03d.mp4", "concat:a|b.mp4", "pipe:", "ä 狗\n.mkv", "a.mp4?x=1#t=2"],
)
def test_any_file_name_is_that_of_a_local_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_footage(tmp_path / "plain.mp4", TIMES).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (Path(name), Path("./") / name, tmp_path / name):
        assert len(read_video(path)) == len(TIMES)


@pytest.mark.skipif(os.name != "posix", reason="names of other systems are Unicode")
def test_a_name_may_be_other_bytes_than_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4"))
    try:
        write_footage(tmp_path / "plain.mp4", TIMES).rename(path)
    except OSError:
        pytest.skip("this file system takes no such names")
    assert len(read_video(path)) == len(TIMES)


@pytest.mark.parametrize(
    "name, codec, cover, what",
    [
        ("a.m4a", "aac", False, "only sound"),
        ("a.mp3", "libmp3lame", False, "only sound"),
        ("b.mp3", "libmp3lame", True, "only sound and a cover picture"),
    ],
)
def test_sound_alone_is_no_video(tmp_path: Path, name: str, codec: str, cover: bool, what: str) -> None:
    path = write_sound(tmp_path / name, codec, cover)
    with pytest.raises(ValueError, match=f"no video in .*{name}, {what}$"):
        read_video(path)


@pytest.mark.parametrize("default", [0, 1, 2])
def test_of_several_videos_the_default_one_is_shown(tmp_path: Path, default: int) -> None:
    colours, sizes = (RED, BLUE, GREEN), (64, 96, 80)
    clip = read_video(write_streams(tmp_path / "a.mkv", colours, sizes, default))
    assert clip.size == (sizes[default], sizes[default])
    assert clip.video[1, :, 30, 30].tolist() == pytest.approx(colours[default], abs=10)  # compressed


def test_without_a_default_the_largest_video_is_shown(tmp_path: Path) -> None:
    assert read_video(write_streams(tmp_path / "a.ts", (RED, BLUE), (64, 96), default=-1)).size == (96, 96)


@pytest.mark.parametrize(
    "name, text",
    [
        ("list.mp4", "ffconcat version 1.0\nfile 'plain.mp4'\n"),
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nplain.mp4\n#EXT-X-ENDLIST\n"),
    ],
)
def test_a_playlist_is_refused(tmp_path: Path, name: str, text: str) -> None:
    write_footage(tmp_path / "plain.mp4", TIMES)
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=r"playlist|cannot be read as a video") as caught:
        read_video(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_large_frames_are_decoded_by_few_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_footage(tmp_path / "a.mp4", TIMES)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert open_video(path)[1].thread_count == 16
    monkeypatch.setattr(container, "THREADED_BYTES", 3 * 64 * 96 * 2)
    assert open_video(path)[1].thread_count == 2
    monkeypatch.setattr(container, "THREADED_BYTES", 1)
    assert open_video(path)[1].thread_count == 1
