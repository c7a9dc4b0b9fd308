"""Animated pictures are clips with the times of their frames."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scenes.readers.open_clip import open_clip

SHADES, DURATIONS = (20, 80, 140, 200), (500, 100, 2000, 300)  # milliseconds


def write_animation(path: Path, durations: tuple[int, ...] = DURATIONS, **options: object) -> None:
    first, *others = [Image.new("RGB", (24, 16), (shade,) * 3) for shade in SHADES]
    lossless = {"lossless": True} if path.suffix == ".webp" else {"quality": 95} if path.suffix == ".avif" else {}
    first.save(path, save_all=True, append_images=others, duration=list(durations), loop=0, **lossless, **options)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "apng", "avif"])
def test_an_animation_is_a_clip_with_its_own_times(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "apng":
        write_animation(tmp_path / "a.png")
        (tmp_path / "a.png").rename(path)
    else:
        write_animation(path)
    clip = open_clip(path)
    assert clip.video.shape == (4, 3, 16, 24)
    for frame, shade in zip(clip.video, SHADES, strict=True):
        assert abs(int(frame[0, 8, 12]) - shade) <= 3
    assert clip.seconds.tolist() == pytest.approx([0, 0.5, 0.6, 2.6])
    some = open_clip(path, frames=2)
    assert some.seconds.tolist() == pytest.approx([0, 2.6])
    assert some.frame_names == ("0", "3")
    assert open_clip(path, indices=[2]).seconds.tolist() == pytest.approx([0.6])


def test_a_frame_of_no_duration_is_shown_as_long_as_browsers_show_it(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.gif", (0, 10, 20, 50))
    assert open_clip(tmp_path / "a.gif").seconds.tolist() == pytest.approx([0, 0.1, 0.2, 0.22])


def test_the_default_picture_of_an_apng_is_no_frame(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.png", default_image=True, durations=(500, 100, 2000))
    clip = open_clip(tmp_path / "a.png")
    assert clip.video[:, 0, 0, 0].tolist() == list(SHADES[1:])
    assert clip.seconds.tolist() == pytest.approx([0, 0.5, 0.6])


def test_frames_that_change_a_part_are_whole(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (24, 16), (20,) * 3) for _ in range(3)]
    for i, frame in enumerate(frames):
        frame.paste((200,) * 3, (8 * i, 0, 8 * i + 8, 16))
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    video = open_clip(tmp_path / "a.gif").video
    assert (video[:, 0, 8, [4, 12, 20]] > 110).tolist() == [[i == j for j in range(3)] for i in range(3)]


def test_an_animation_in_a_folder_of_frames_is_refused(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.gif")
    Image.new("RGB", (24, 16)).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"a\.gif holds 4 frames, where one picture is needed"):
        open_clip(tmp_path)


def test_a_frame_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.gif")
    with pytest.raises(ValueError, match="has frames 0 to 3"):
        open_clip(tmp_path / "a.gif", indices=[4])
