"""A picture of a mask: its alpha, its shades, or the labels of several objects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Shaped
from PIL import Image

from scenes.readers.masks.softness import half, is_soft
from scenes.readers.pictures.colours import to_values
from scenes.readers.pictures.opening import open_picture

LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "HEIF")  # formats that change values a little
LISTED = 12  # labels in an error


@dataclass(frozen=True)
class MaskPicture:
    """The pixels of a mask picture; 0 is outside.

    "soft" values mark the pixels of at least half of white (0.5 of floats). "integers" are such shades or labels, which
    only the pixels themselves can tell; "labels" are the indices of a palette with colours.
    """

    path: Path
    values: Shaped[np.ndarray, "height width"]
    kind: Literal["soft", "integers", "labels"]

    @cached_property
    def labels(self) -> list[int]:
        """The values that mark objects; empty for floats, which mark one."""
        return [] if self.values.dtype.kind == "f" else [int(value) for value in np.unique(self.values) if value]

    @cached_property
    def soft(self) -> bool:
        """Whether the values are shades of one mask."""
        return self.kind == "soft" or (self.kind == "integers" and len(self.labels) > 1 and is_soft(self.values))

    def of_one_object(self, label: int | None = None) -> Bool[np.ndarray, "height width"]:
        """Mark one object: all that is marked, or the pixels of `label`.

        Raises:
            ValueError: there is no such label, or there are several and none is given.
        """
        if label is not None:
            if label not in self.labels:
                known = f"labels {listed(self.labels)}" if self.labels else "no labels"
                raise ValueError(f"mask '{self.path}' has {known}; label {label} is not there")
            chosen: np.ndarray = self.values == label
            return chosen
        if not self.soft and len(self.labels) > 1:
            raise ValueError(
                f"mask '{self.path}' holds {len(self.labels)} objects, labels {listed(self.labels)}; choose one, as in "
                f"{self.path.name}#{self.labels[0]}, or save one object in white on black"
            )
        inside: np.ndarray = self.values >= half(self.values) if self.soft else self.values != 0
        return inside


def read_mask_picture(path: Path) -> MaskPicture:
    """Read the values of a mask picture.

    Transparency that varies is the mask (SAM 3D: the photo with its mask as alpha). A palette with colours, or integers
    of several plateaus, hold labels (DAVIS, instance maps). Grey shades are inside from half of white on.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is not a picture, or its colours do not make a mask.
    """
    with open_picture(path) as image:
        if alpha := _alpha(image):
            return _of_alpha(path, image, to_values(alpha))
        if image.mode == "P" and not _is_grey(image):
            return MaskPicture(path, to_values(image), "labels")
        if image.mode in ("1", "L", "I", "F") or image.mode.startswith("I;16"):
            values = to_values(image)
        elif image.format in LOSSY:
            values = to_values(image.convert("L"))
        else:
            return _of_colours(path, to_values(image.convert("RGB")))
        if values.dtype.kind == "f":
            return _of_floats(path, values)
        values = values.astype(np.uint8) if values.dtype == bool else values
        return MaskPicture(path, values, "soft" if image.format in LOSSY else "integers")


def listed(labels: list[int]) -> str:
    """Write the first labels of a list."""
    return ", ".join(map(str, labels[:LISTED])) + (", ..." if len(labels) > LISTED else "")


def _alpha(image: Image.Image) -> Image.Image | None:
    """Take the transparency, if it differs between pixels."""
    clear_palette = image.mode == "P" and "transparency" in image.info
    if image.mode not in ("RGBA", "LA", "PA", "La", "RGBa") and not clear_palette:
        return None
    if image.mode in ("P", "RGBa"):
        alpha = image.convert("RGBA").getchannel("A")
    else:
        alpha = image.getchannel(len(image.getbands()) - 1)
    if "exif" in image.info:
        alpha.info["exif"] = image.info["exif"]  # to_values turns by it
    darkest, brightest = alpha.getextrema()
    return alpha if darkest != brightest else None


def _of_alpha(path: Path, image: Image.Image, alpha: Shaped[np.ndarray, "height width"]) -> MaskPicture:
    opaque = alpha >= 128
    if image.mode == "P":  # a palette may make labels transparent, above all 0; an opaque 0 becomes 256
        indices = to_values(image).astype(np.int64)
        return MaskPicture(path, np.where(opaque, np.where(indices == 0, 256, indices), 0), "labels")
    colours = to_values(image.convert("RGB"))[opaque]
    black, white = (colours == 0).all(-1), (colours == 255).all(-1)
    if black.any() and white.any() and (black | white).all():
        raise ValueError(
            f"mask '{path}' marks pixels twice, in white on black and by its transparency; save one of the two"
        )
    return MaskPicture(path, alpha, "soft")


def _is_grey(image: Image.Image) -> bool:
    """Tell whether a palette has shades of grey only."""
    palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _of_colours(path: Path, rgb: Shaped[np.ndarray, "height width 3"]) -> MaskPicture:
    if (rgb == rgb[..., :1]).all():
        return MaskPicture(path, rgb[..., 0], "integers")
    packed = (rgb.astype(np.int64) * (65536, 256, 1)).sum(-1)
    colours = [int(colour) for colour in np.unique(packed) if colour]
    if len(colours) > 1:
        names = ", ".join(f"#{colour:06x}" for colour in colours[:LISTED]) + (", ..." if len(colours) > LISTED else "")
        raise ValueError(
            f"mask '{path}' has {len(colours)} colours beside black, {names}; "
            "save one object in white on black, or several as a palette picture"
        )
    return MaskPicture(path, (packed != 0).astype(np.uint8), "integers")


def _of_floats(path: Path, values: Shaped[np.ndarray, "height width"]) -> MaskPicture:
    if bool(((values >= 0) & (values <= 1)).all()):
        return MaskPicture(path, values, "soft")
    if bool(np.isfinite(values).all()) and bool((values == np.round(values)).all()) and values.min() >= 0:
        return MaskPicture(path, values.astype(np.int64), "integers")
    raise ValueError(
        f"mask '{path}' holds floats from {np.min(values):g} to {np.max(values):g}; a mask of floats needs "
        "probabilities from 0 to 1 (inside from 0.5 on)"
    )
