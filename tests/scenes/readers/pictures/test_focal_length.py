"""The camera that a photo's EXIF data tell."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import ExifTags, Image

from scenes.readers.open_clip import open_clip
from scenes.readers.pictures.focal_length import read_exif_camera

TAGS = ExifTags.Base


def photo(path: Path, size: tuple[int, int] = (360, 240), orientation: int = 1, **entries: Any) -> Path:
    exif = Image.Exif()
    exif[TAGS.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif).update({TAGS[name]: value for name, value in entries.items()})
    Image.new("RGB", size, (128, 128, 128)).save(path, exif=exif)
    return path


def test_a_film_equivalent_compares_diagonals(tmp_path: Path) -> None:
    """Golden: 36 x 24 mm at 10 pixels a millimetre, so that 50 mm are 500 pixels."""
    camera = read_exif_camera(photo(tmp_path / "a.jpg", FocalLengthIn35mmFilm=50))
    assert camera is not None
    torch.testing.assert_close(camera, torch.tensor([[500, 0, 180], [0, 500, 120], [0, 0, 1.0]]))


def test_a_sensor_tells_pixels_itself_and_a_smaller_copy_has_fewer(tmp_path: Path) -> None:
    sensor = {"FocalLength": 20.0, "FocalPlaneXResolution": 100.0, "FocalPlaneResolutionUnit": 3}  # 100 a centimetre
    camera = read_exif_camera(photo(tmp_path / "a.jpg", FocalLengthIn35mmFilm=99, **sensor))
    copy = read_exif_camera(photo(tmp_path / "b.jpg", ExifImageWidth=720, **sensor))
    assert camera is not None
    assert copy is not None
    assert (float(camera[0, 0]), float(copy[0, 0])) == pytest.approx((200, 100))


def test_a_turned_photo_has_its_middle_where_it_is_shown(tmp_path: Path) -> None:
    clip = open_clip(photo(tmp_path / "a.jpg", orientation=6, FocalLengthIn35mmFilm=50))
    assert clip.size == (360, 240)
    assert clip.intrinsics is not None
    torch.testing.assert_close(clip.intrinsics[0], torch.tensor([[500, 0, 120], [0, 500, 180], [0, 0, 1.0]]))


def test_a_photo_with_damaged_metadata_is_opened_without_a_camera(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (6, 4)).save(path, exif=b"Exif\x00\x00not a header of TIFF")
    clip = open_clip(path)
    assert clip.size == (4, 6)
    assert clip.intrinsics is None


@pytest.mark.parametrize("entries", [{}, {"FocalLengthIn35mmFilm": 0}, {"FocalLength": 4.2}])
def test_without_a_usable_entry_the_camera_is_unknown(tmp_path: Path, entries: dict[str, Any]) -> None:
    path = photo(tmp_path / "a.jpg", **entries)
    assert read_exif_camera(path) is None
    assert open_clip(path).intrinsics is None
