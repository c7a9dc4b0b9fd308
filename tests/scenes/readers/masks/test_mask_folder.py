"""A folder of masks marks an object in the frames of its names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes.readers.masks.mask_folder import read_mask_folder

NAMES = ("00000", "00002", "00003")


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Five frames: object 1 is a column that moves, object 2 stands at the right from frame 2 on."""
    folder = tmp_path / "Annotations" / "480p" / "bear"
    folder.mkdir(parents=True)
    for frame in range(5):
        index = np.zeros((6, 8), np.uint8)
        index[:, frame] = 1
        if frame >= 2:
            index[:, 7] = 2
        image = Image.fromarray(index, "P")
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
        image.save(folder / f"{frame:05d}.png")
    return folder


def test_the_masks_of_a_label_come_by_the_names_of_frames(davis: Path) -> None:
    masks = read_mask_folder(davis, NAMES, 6, 8, 1)
    assert {frame: mask.nonzero()[:, 1].unique().tolist() for frame, mask in masks.items()} == {0: [0], 1: [2], 2: [3]}
    assert list(read_mask_folder(davis, NAMES, 6, 8, 2)) == [1, 2]  # not in frame 0


def test_numbers_pair_names_that_differ(davis: Path) -> None:
    assert list(read_mask_folder(davis, ("0", "3", "9"), 6, 8, 1)) == [0, 1]
    assert list(read_mask_folder(davis, ("frame_0004",), 6, 8, 1)) == [0]


def test_several_objects_need_a_label(davis: Path) -> None:
    with pytest.raises(ValueError, match=r"bear' holds 2 objects, labels 1, 2; choose one, as in bear#1"):
        read_mask_folder(davis, NAMES, 6, 8)
    assert len(read_mask_folder(davis, ("00000", "00001"), 6, 8)) == 2


def test_two_objects_in_two_frames_are_not_taken_for_one(tmp_path: Path) -> None:
    for frame, label in enumerate((1, 2)):
        Image.fromarray(np.full((6, 8), label, np.uint8)).save(tmp_path / f"{frame}.png")
    with pytest.raises(ValueError, match="holds 2 objects, labels 1, 2"):
        read_mask_folder(tmp_path, ("0", "1"), 6, 8)


def test_masks_in_white_need_no_label(tmp_path: Path) -> None:
    for frame in range(3):
        Image.fromarray(np.full((6, 8), 255 * (frame > 0), np.uint8)).save(tmp_path / f"{frame}.png")
    assert list(read_mask_folder(tmp_path, ("0", "1", "2"), 6, 8)) == [1, 2]


def test_what_cannot_be_used_is_said(davis: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"bear' has labels 1, 2, but no 3, in the 3 frames"):
        read_mask_folder(davis, NAMES, 6, 8, 3)
    with pytest.raises(ValueError, match=r"has 00000\.png, \.\.\., but the frames are called left, \.\.\."):
        read_mask_folder(davis, ("left", "right"), 6, 8, 1)
    with pytest.raises(ValueError, match=r"00000\.png' is 8x6, expected 16x12"):
        read_mask_folder(davis, NAMES, 12, 16, 1)
    (tmp_path / "none").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no pictures"):
        read_mask_folder(tmp_path / "none", NAMES, 6, 8, 1)


@pytest.mark.parametrize("first", [0, 1])
def test_masks_that_count_the_frames_used_are_refused_where_frames_have_other_numbers(
    tmp_path: Path, first: int
) -> None:
    for frame in range(4):
        Image.fromarray(np.full((6, 8), 255, np.uint8)).save(tmp_path / f"{frame + first:05d}.png")
    with pytest.raises(ValueError, match=r"frames 1, 95, 191, 286; name each mask as its frame, as in 286\.png"):
        read_mask_folder(tmp_path, ("1", "95", "191", "286"), 6, 8)  # by number, one of the four would count
    counted = [str(frame + first) for frame in range(4)]
    assert list(read_mask_folder(tmp_path, counted, 6, 8)) == [0, 1, 2, 3]  # where number and order agree
    assert list(read_mask_folder(tmp_path, ("1", "3", "9"), 6, 8)) == [0, 1]  # more masks than frames: by number
