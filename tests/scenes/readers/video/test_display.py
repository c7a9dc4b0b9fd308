from __future__ import annotations

import gc
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import torch
from torch import Tensor

from scenes.readers.video import read_video
from tests.support.clips.odd_footage import BLUE, GREEN, RED, write_card, write_matrix, write_sizes

LOSS = 8  # of 255: compression, and chroma at half the resolution


def colour(image: Tensor, y: float, x: float) -> list[int]:
    height, width = image.shape[1:]
    return image[:, int(y * height), int(x * width)].tolist()


def near(colour: list[int], other: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(colour, other, strict=True)) <= LOSS


# Where ffmpeg's `-autorotate` shows the green mark of the top left corner and the red left half.
@pytest.mark.parametrize(
    "matrix, size, green, red",
    [
        ((1, 0, 0, 1), (120, 160), (0.05, 0.05), (0.5, 0.25)),
        ((-1, 0, 0, 1), (120, 160), (0.05, 0.95), (0.5, 0.75)),  # the mirror of a front camera
        ((1, 0, 0, -1), (120, 160), (0.95, 0.05), (0.5, 0.25)),
        ((-1, 0, 0, -1), (120, 160), (0.95, 0.95), (0.5, 0.75)),
        ((0, 1, -1, 0), (160, 120), (0.05, 0.95), (0.25, 0.5)),  # a quarter clockwise
        ((0, -1, 1, 0), (160, 120), (0.95, 0.05), (0.75, 0.5)),
        ((0, 1, 1, 0), (160, 120), (0.05, 0.05), (0.25, 0.5)),
        ((0, -1, -1, 0), (160, 120), (0.95, 0.95), (0.75, 0.5)),
    ],
    ids=lambda value: "".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_the_display_matrix_turns_and_mirrors(
    tmp_path: Path, matrix: tuple[int, int, int, int], size: Any, green: Any, red: Any
) -> None:
    path = write_card(tmp_path / "a.mp4")
    write_matrix(path, *matrix)
    clip = read_video(path, frames=2)
    assert clip.size == size
    assert near(colour(clip.video[1], *green), GREEN)
    assert near(colour(clip.video[1], *red), RED)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_pixels_are_made_square(tmp_path: Path, suffix: str) -> None:
    clip = read_video(write_card(tmp_path / f"a.{suffix}", aspect=Fraction(4, 3)))
    assert clip.size == (120, 213)
    image = clip.video[0]
    assert near(colour(image, 0.5, 0.45), RED)
    assert near(colour(image, 0.5, 0.55), BLUE)
    assert near(colour(image, 0.05, 0.05), GREEN)


def test_narrow_pixels_are_made_square_and_then_turned(tmp_path: Path) -> None:
    path = write_card(tmp_path / "a.mp4", aspect=Fraction(3, 4))
    write_matrix(path, 0, 1, -1, 0)
    clip = read_video(path, frames=1)
    assert clip.size == (120, 120)  # 160 x 3/4 of width became the height
    assert near(colour(clip.video[0], 0.05, 0.95), GREEN)


def test_pixels_that_are_absurdly_wide_are_one_clear_line(tmp_path: Path) -> None:
    path = write_card(tmp_path / "a.mp4", aspect=Fraction(4, 3))
    ratio = path.read_bytes()
    path.write_bytes(ratio.replace(b"pasp" + struct.pack(">2i", 4, 3), b"pasp" + struct.pack(">2i", 250, 1)))
    with pytest.raises(ValueError, match="pixel aspect 250") as caught:
        read_video(path)
    assert "\n" not in str(caught.value)


def test_frames_of_several_sizes_are_one_clear_line(tmp_path: Path) -> None:
    path = write_sizes(tmp_path / "a.mkv", [(120, 160), (120, 160), (240, 320)])
    with pytest.raises(ValueError, match=r"the same size; .*a\.mkv change from 160x120 to 320x240") as caught:
        read_video(path)
    assert "\n" not in str(caught.value)
    assert read_video(path, indices=[0, 1]).size == (120, 160)  # those of one size are there
    assert read_video(path, indices=[2]).size == (240, 320)


BT601, BT709 = 6, 1  # matrix coefficients of H.273
LIMITED, FULL = 1, 2  # ranges of FFmpeg


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv420p10le", "yuv422p"])
@pytest.mark.parametrize("matrix, number", [("ITU601", BT601), ("ITU709", BT709)])
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_follow_the_tagged_matrix_and_range(
    tmp_path: Path, pixels: str, matrix: str, number: int, full_range: bool
) -> None:
    tags = {"colorspace": number, "color_range": FULL if full_range else LIMITED}
    path = write_card(tmp_path / "a.mp4", pixels=pixels, matrix=matrix, full_range=full_range, tags=tags)
    image = read_video(path, frames=1).video[0]
    assert near(colour(image, 0.5, 0.25), RED)
    assert near(colour(image, 0.5, 0.75), BLUE)
    assert near(colour(image, 0.05, 0.05), GREEN)


@pytest.mark.parametrize(
    "name, codec, pixels",
    [
        ("a.mkv", "ffv1", "bgr0"),
        ("b.mkv", "ffv1", "gbrp16le"),
        ("c.mov", "prores_ks", "yuva444p10le"),
        ("d.webm", "libvpx-vp9", "yuva420p"),
        ("e.mkv", "libx265", "yuv420p12le"),
        ("f.avi", "mpeg4", "yuv420p"),
    ],
)
def test_kinds_of_pixels_have_their_colours(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    options = {"libx265": {"x265-params": "crf=4:log-level=none"}, "mpeg4": {"qscale": "1"}}.get(codec, {})
    image = read_video(write_card(tmp_path / name, codec, pixels, options=options), frames=1).video[0]
    assert near(colour(image, 0.5, 0.25), RED)
    assert near(colour(image, 0.5, 0.75), BLUE)


def test_grey_is_grey(tmp_path: Path) -> None:
    image = read_video(write_card(tmp_path / "a.mkv", "ffv1", "gray", options={}), frames=1).video[0]
    assert torch.equal(image[0], image[1])
    assert torch.equal(image[0], image[2])
    assert image[0, 60, 40] > image[0, 60, 120]  # red is brighter than blue


def test_frames_are_not_kept_after_they_are_converted(tmp_path: Path) -> None:
    path = write_card(tmp_path / "a.mp4")
    gc.collect()
    gc.disable()  # frames in a cycle would stay until they are collected: 50 MB each at 8K
    try:
        read_video(path)
        kept = [one for one in gc.get_objects() if type(one) is av.VideoFrame]
    finally:
        gc.enable()
    assert kept == []
