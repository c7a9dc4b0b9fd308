"""The camera of a photo from its EXIF data."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import ExifTags, Image
from torch import Tensor

from scenes.readers.pictures.opening import open_picture

FILM_DIAGONAL_MM = math.hypot(36, 24)
INCH_MM, CM_MM = 25.4, 10.0
_UNITS = {2: INCH_MM, 3: CM_MM}  # of FocalPlaneResolutionUnit


def read_exif_camera(path: Path) -> Float[Tensor, "3 3"] | None:
    """Read the intrinsics of a photo from its EXIF data, as `exif_intrinsics`.

    Raises:
        FileNotFoundError, ImportError, ValueError: as `open_picture`.
    """
    with open_picture(path, animated=True) as image:
        return exif_intrinsics(image)


def exif_intrinsics(image: Image.Image) -> Float[Tensor, "3 3"] | None:
    """Compute the intrinsics (pixels, centres at .5) of a photo from its EXIF data; None where it says no focal length.

    The principal point is the middle of the picture, upright. The focal length is that of FocalPlaneXResolution, or
    the equivalent for 35 mm film, which compares diagonals. A photo that was cropped without a new entry has a wrong
    one. Source: EXIF 2.32 (CIPA DC-008), tags 0x920A, 0xA405, 0xA20E and 0xA210.
    """
    try:
        focal, orientation = _focal_pixels(image), image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - damaged metadata: Pillow raises many kinds, and the pixels are whole
        return None
    if focal is None:
        return None
    width, height = image.size
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    return torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])


def _focal_pixels(image: Image.Image) -> float | None:
    """Compute the focal length in pixels of the picture as it is stored."""
    entries = image.getexif().get_ifd(ExifTags.IFD.Exif)
    focal_mm = _positive(entries.get(ExifTags.Base.FocalLength))
    per_unit = _positive(entries.get(ExifTags.Base.FocalPlaneXResolution))
    taken = _positive(entries.get(ExifTags.Base.ExifImageWidth)) or float(image.width)
    unit = _UNITS.get(entries.get(ExifTags.Base.FocalPlaneResolutionUnit, 2))
    if focal_mm and per_unit and unit:
        return focal_mm * per_unit / unit * image.width / taken  # smaller copies keep the entry of the original
    film_mm = _positive(entries.get(ExifTags.Base.FocalLengthIn35mmFilm))
    return film_mm * math.hypot(image.width, image.height) / FILM_DIAGONAL_MM if film_mm else None


def _positive(value: object) -> float | None:
    """Read a number that EXIF holds; None where it is missing, zero (unknown) or broken."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
