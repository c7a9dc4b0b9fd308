"""What is lifted is read, and refused, before any network runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.geometry import default_intrinsics
from region4d.footage import FrameChoice, GeometrySource, Pointer
from region4d.footage.marks import parse_pointers
from region4d.lifting.input import read_input

SIZE = (24, 32)
BOX = "8,6,20,18"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", SIZE[::-1], (10, 20, 30)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def mask(folder: Path) -> list[Pointer]:
    picture = np.zeros(SIZE, np.uint8)
    picture[10:14, 10:16] = 255
    Image.fromarray(picture).save(folder / "mask.png")
    return parse_pointers([], [], [str(folder / "mask.png")])


def depth(folder: Path, metres: np.ndarray) -> GeometrySource:
    np.save(folder / "depth.npy", metres.astype(np.float32))
    return GeometrySource(depth=folder / "depth.npy", fov_deg=60)


def test_without_a_mark_it_says_how_to_make_one(photo: Path) -> None:
    with pytest.raises(ValueError, match=r"no object is marked; use --mask FILE .* or --region"):
        read_input(photo, FrameChoice(index=0), [], GeometrySource())


def test_a_photo_alone_has_an_assumed_camera_and_says_what_is_assumed(photo: Path) -> None:
    given = read_input(photo, FrameChoice(index=0), parse_pointers([BOX], [], []), GeometrySource())
    assert torch.equal(given.intrinsics, default_intrinsics(*SIZE, 60))
    assert given.points is None
    assert int(given.masks[0].sum()) == 12 * 12
    assert [note.split(":")[0] for note in given.notes] == ["the camera is unknown", "no depth", "no depth"]


def test_a_mask_without_depth_marks_no_background(photo: Path, tmp_path: Path) -> None:
    given = read_input(photo, FrameChoice(index=0), mask(tmp_path), GeometrySource(fov_deg=50))
    assert given.notes == ["no depth: pose and scale are those of an average scene, not metres"]


def test_a_box_with_depth_marks_what_stands_out_in_it(photo: Path, tmp_path: Path) -> None:
    metres = np.full(SIZE, 3.0)
    metres[9:15, 11:17] = 2.0
    given = read_input(photo, FrameChoice(index=0), parse_pointers([BOX], [], []), depth(tmp_path, metres))
    standing_out = torch.from_numpy(metres == 2)
    assert not bool((given.masks[0] & ~standing_out).any())
    assert int(given.masks[0].sum()) >= int(standing_out.sum()) - 4  # but for its corners
    assert given.notes == []


def test_a_box_in_which_nothing_stands_out_is_named(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"--region {BOX}: nothing in the box stands out"):
        read_input(photo, FrameChoice(index=0), parse_pointers([BOX], [], []), depth(tmp_path, np.full(SIZE, 3.0)))


def test_a_mask_without_any_depth_is_refused(photo: Path, tmp_path: Path) -> None:
    metres = np.full(SIZE, 3.0)
    metres[10:14, 10:16] = 0
    with pytest.raises(ValueError, match=r"none of the 24 pixels of --mask .* has depth"):
        read_input(photo, FrameChoice(index=0), mask(tmp_path), depth(tmp_path, metres))
