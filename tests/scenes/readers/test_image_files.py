"""Pictures on disk as tensors: colour, depth and masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scenes.readers.image_files import (
    list_images,
    read_depth,
    read_grey,
    read_half_depth,
    read_image,
    stack_pictures,
    write_depth,
    write_image,
    write_mask,
)


def test_pictures_are_listed_in_natural_order_and_nothing_else_is(tmp_path: Path) -> None:
    for name in ("b10.PNG", "b2.jpg", "a.webp", "b2.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.webp", "b2.jpg", "b10.PNG"]


def test_colour_comes_back_as_it_was_written(tmp_path: Path) -> None:
    image = torch.arange(60, dtype=torch.uint8).reshape(3, 4, 5)
    write_image(tmp_path / "a.png", image)
    assert torch.equal(read_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_every_kind_of_picture_is_read_as_rgb(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode).save(tmp_path / "a.png")
    assert torch.equal(read_image(tmp_path / "a.png"), torch.full((3, 4, 5), 255, dtype=torch.uint8))


def test_depth_comes_back_rounded_to_its_unit(tmp_path: Path) -> None:
    write_depth(tmp_path / "a.png", torch.tensor([[0, 1.2344, 65.535]]), 1000)
    assert read_depth(tmp_path / "a.png", 1000).tolist() == [pytest.approx([0, 1.234, 65.535])]


def test_depth_that_does_not_fit_is_refused_and_not_wrapped(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"depth 65\.6 m does not fit 16 bits at 1000 units a metre"):
        write_depth(tmp_path / "a.png", torch.tensor([[65.6]]), 1000)
    assert not (tmp_path / "a.png").exists()


def test_half_precision_bits_are_depth_and_what_is_no_depth_is_zero(tmp_path: Path) -> None:
    halves = np.array([[0.5, 3.0, 0.0], [-1.0, np.nan, np.inf]], np.float16)
    Image.fromarray(halves.view(np.uint16)).save(tmp_path / "a.png")
    assert read_half_depth(tmp_path / "a.png", 2.0).tolist() == [[1, 6, 0], [0, 0, 0]]


@pytest.mark.parametrize("read", [read_depth, read_half_depth])
def test_a_picture_of_eight_bits_is_no_depth(tmp_path: Path, read: type) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="has mode L, expected one 16-bit channel of depth"):
        read(tmp_path / "a.png", 1000)


def test_one_bit_is_black_or_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert read_grey(tmp_path / "a.png").tolist() == [[255, 0]]


def test_a_mask_is_written_white_on_black(tmp_path: Path) -> None:
    write_mask(tmp_path / "a.png", torch.tensor([[True, False, True]]))
    assert read_grey(tmp_path / "a.png").tolist() == [[255, 0, 255]]


def test_pictures_of_one_size_are_stacked_in_the_order_given() -> None:
    pictures = [(Path(f"{k}.png"), torch.full((1, 2), k)) for k in (3, 1)]
    assert stack_pictures(pictures).tolist() == [[[3, 3]], [[1, 1]]]
    with pytest.raises(ValueError, match=r"2\.png is 3x1, expected 2x1 as 3\.png"):
        stack_pictures([*pictures, (Path("2.png"), torch.zeros(1, 3))])


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png cannot be read as a picture"):
        read_image(tmp_path / "a.png")
