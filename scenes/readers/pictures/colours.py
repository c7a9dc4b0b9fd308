"""The pixels of a decoded picture, upright: as 8-bit RGB, or as they are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from PIL import ExifTags, Image
from torch import Tensor

CONVERTED = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"}  # Pillow's modes
BAND = 2**22  # pixels that are converted at once
_BITS_PER_SAMPLE = 258  # TIFF tag


def to_rgb(
    image: Image.Image, path: Path, out: UInt8[Tensor, "3 _ _"] | None = None
) -> UInt8[Tensor, "3 height width"]:
    """Convert a picture of any mode to RGB, turned upright as its EXIF orientation says.

    More than 8 bits are scaled linearly (16 bits: v >> 8), floats from 0 to 1 are multiplied by 255. Transparency is
    dropped: the colour that is stored below it stays. Colour profiles are not applied. The picture is written into
    `out` where that has its size, else into new memory.

    Raises:
        ValueError: the mode has no white of its own (32-bit integers, floats outside of 0 to 1), or no RGB.
    """
    _refuse_mode(image, path)
    orientation = _orientation(image)
    turned = orientation in (5, 6, 7, 8)
    height, width = (image.width, image.height) if turned else (image.height, image.width)
    if out is None or out.shape[1:] != (height, width):
        out = torch.empty(3, height, width, dtype=torch.uint8)
    rgb = out.numpy()
    stored = [_as_stored(channel, orientation) for channel in rgb]
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):  # whole copies of 200 megapixels are 800 MB each
        one = rows >= image.height
        band = image if one else image.crop((0, top, image.width, min(top + rows, image.height)))
        for channel, values in zip(stored, _channels(band, _bits(image)), strict=True):
            channel[top : top + band.height] = values
    return out


def to_values(image: Image.Image) -> Shaped[np.ndarray, "height width ..."]:
    """Copy the pixels as they are stored (a palette picture: its indices), upright."""
    stored = np.asarray(image)
    return np.ascontiguousarray(upright(stored.astype(stored.dtype.newbyteorder("=")), _orientation(image)))


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an array (height, width, ...) as an EXIF orientation (1 to 8) says; a view."""
    turned = {
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.swapaxes(0, 1),
        6: lambda x: x.swapaxes(0, 1)[:, ::-1],
        7: lambda x: x.swapaxes(0, 1)[::-1, ::-1],
        8: lambda x: x.swapaxes(0, 1)[::-1],
    }
    result: np.ndarray = turned[orientation](stored) if orientation in turned else stored
    return result


def _as_stored(upright_array: np.ndarray, orientation: int) -> np.ndarray:
    """View an upright array as its picture is stored; the inverse of `upright`."""
    return upright(upright_array, {6: 8, 8: 6}.get(orientation, orientation))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - damaged metadata: Pillow raises many kinds, and the pixels are whole
        return 1


def _bits(image: Image.Image) -> int:
    """Tell how many bits the integers of a picture with more than 8 use; 12-bit TIFF is not stretched to 16."""
    tags = getattr(image, "tag_v2", {})
    return int(tags.get(_BITS_PER_SAMPLE, (16,))[0]) if image.mode.startswith("I;16") else 16


def _refuse_mode(image: Image.Image, path: Path) -> None:
    if image.mode.startswith("I;16") or image.mode in CONVERTED:
        return
    if image.mode == "I":
        if image.format not in ("PNG", "PPM"):  # these have 16 bits
            raise ValueError(f"{path} holds 32-bit integers, which do not say what white is; save it with 8 or 16 bits")
    elif image.mode == "F":
        darkest, brightest = image.getextrema()
        if not bool(((values := np.asarray(image)) >= 0).all() and (values <= 1).all()):
            raise ValueError(
                f"{path} holds floats from {darkest:g} to {brightest:g}; a picture of floats needs 0 (black) to 1 "
                "(white): scale it, or save it with 8 bits"
            )
    else:
        raise ValueError(f"{path} has mode {image.mode}, which has no RGB here; save it as an RGB picture")


def _channels(band: Image.Image, bits: int) -> list[np.ndarray]:
    if band.mode.startswith("I"):
        return [np.clip(np.asarray(band) >> (bits - 8), 0, 255).astype(np.uint8)] * 3
    if band.mode == "F":
        return [np.round(np.asarray(band) * 255).astype(np.uint8)] * 3
    if band.mode in ("P", "PA", "La", "RGBa"):  # through RGBA: Pillow warns where a palette has transparency
        band = band.convert("LA" if band.mode == "La" else "RGBA")
    if band.mode != "RGB":  # `convert` copies even where nothing changes
        band = band.convert("RGB")
    return [np.asarray(channel) for channel in band.split()]  # half the time of transposing
