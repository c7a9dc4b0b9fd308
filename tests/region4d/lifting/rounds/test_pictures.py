"""Objects of a folder of pictures: every mask has its picture, depth and camera, or the folder is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from region4d.lifting.rounds.pictures import marked_objects
from tests.support.lifting import SeenObject
from tests.support.pictures import write_pictures


@pytest.fixture
def folder(tmp_path: Path, seen: SeenObject) -> Path:
    return write_pictures(tmp_path / "pictures", seen)


def test_a_mask_is_read_with_picture_depth_and_camera(folder: Path, seen: SeenObject) -> None:
    whole, half = marked_objects(folder)
    assert (whole.name, half.name) == ("photo/all", "photo/half")
    given = whole.read(fov_deg=90)  # the camera of its own wins
    assert torch.equal(given.image, seen.image)
    assert torch.equal(given.masks[0], seen.mask)
    torch.testing.assert_close(given.intrinsics, seen.intrinsics)
    assert given.points is not None
    assert int(half.read().masks[0].sum()) < int(seen.mask.sum())


def test_one_mask_needs_no_folder_and_depth_and_camera_are_optional(folder: Path, seen: SeenObject) -> None:
    (folder / "masks" / "photo" / "all.png").rename(folder / "masks" / "photo.png")
    for name in ("masks/photo", "depth", "cameras"):
        shutil.rmtree(folder / name)
    (only,) = marked_objects(folder)
    assert only.name == "photo/object"
    given = only.read(fov_deg=90)
    assert given.points is None
    assert float(given.intrinsics[0, 0]) == pytest.approx(seen.image.shape[2] / 2)


def remove_masks(folder: Path) -> None:
    shutil.rmtree(folder / "masks")


def empty_masks(folder: Path) -> None:
    remove_masks(folder)
    (folder / "masks" / "photo").mkdir(parents=True)


def remove_picture(folder: Path) -> None:
    (folder / "photo.png").unlink()


def double_picture(folder: Path) -> None:
    shutil.copy(folder / "photo.png", folder / "photo.jpg")


def double_mask(folder: Path) -> None:
    (folder / "masks" / "photo" / "all.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (remove_masks, FileNotFoundError, "no folder .*masks.: it needs masks/NAME/ for each picture NAME"),
        (empty_masks, FileNotFoundError, "no masks in .*masks"),
        (remove_picture, FileNotFoundError, "masks/photo' has no picture .*photo.jpg' .*, nor an RGB-D folder 'photo'"),
        (double_picture, ValueError, "2 entries of .*pictures' are called photo"),
        (double_mask, ValueError, "2 entries of .*masks/photo' are called all"),
    ],
)
def test_a_folder_that_is_not_clear_is_refused(
    folder: Path, spoil: Callable[[Path], None], error: type[Exception], said: str
) -> None:
    spoil(folder)
    with pytest.raises(error, match=said):
        marked_objects(folder)
