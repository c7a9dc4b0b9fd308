"""Pictures on disk as tensors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Shaped, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def list_images(folder: Path) -> list[Path]:
    """List the pictures of a folder in natural order: frame2 comes before frame10."""
    images = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    return sorted(images, key=lambda path: [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", path.name)])


def read_image(path: Path) -> UInt8[Tensor, "3 height width"]:
    """Read a picture as RGB, upright (its EXIF orientation is applied). Transparency is dropped.

    Raises:
        ValueError: the file is not a picture, or it is truncated.
    """
    with _open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    rgb: Tensor = rearrange(torch.from_numpy(np.array(upright)), "height width rgb -> rgb height width").contiguous()
    return rgb


def read_depth(path: Path, scale: int | float) -> Float[Tensor, "height width"]:
    """Read a 16-bit depth picture as metres; it holds `scale` units a metre, and 0 where the depth is unknown.

    Raises:
        ValueError: the file is not a picture with one 16-bit channel.
    """
    with _open(path) as image:
        if not image.mode.startswith("I"):  # PIL: "I;16", and "I" for 16-bit PNG before Pillow 11
            raise ValueError(f"{path} has mode {image.mode}, expected one 16-bit channel of depth")
        depth = np.asarray(image).astype(np.float32)
    return torch.from_numpy(depth) / scale


def read_half_depth(path: Path, scale: int | float) -> Float[Tensor, "height width"]:
    """Read depth that a 16-bit picture holds as the bits of half-precision floats, times `scale`; 0 where unknown.

    Source: CO3D (arXiv 2109.00512), its data release.

    Raises:
        ValueError: the file is not a picture with one 16-bit channel.
    """
    with _open(path) as image:
        if not image.mode.startswith("I"):
            raise ValueError(f"{path} has mode {image.mode}, expected one 16-bit channel of depth")
        bits = np.asarray(image).astype(np.uint16)
    depth = torch.from_numpy(bits.view(np.float16).astype(np.float32)) * scale
    return torch.where(torch.isfinite(depth) & (depth > 0), depth, torch.zeros_like(depth))


def read_grey(path: Path) -> UInt8[Tensor, "height width"]:
    """Read a picture of one channel, 0 to 255; one of 1 bit gives 0 and 255.

    Raises:
        ValueError: the file is not a picture, or it is truncated.
    """
    with _open(path) as image:
        return torch.from_numpy(np.array(image.convert("L")))


def read_mask(path: Path, height: int, width: int) -> Bool[Tensor, "height width"]:
    """Read a mask picture (non-zero is inside) of the size of its frame.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is not a picture, or it has another size than the frame.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no mask picture '{path}'")
    grey = read_grey(path)
    if tuple(grey.shape) != (height, width):
        raise ValueError(
            f"a mask must have the size of its frame; '{path}' is {grey.shape[1]}x{grey.shape[0]}, expected "
            f"{width}x{height}"
        )
    return grey > 0


def write_mask(path: Path, mask: Bool[Tensor, "height width"]) -> None:
    """Write a mask as a picture, white inside."""
    Image.fromarray((255 * mask.to(torch.uint8)).cpu().numpy()).save(path)


def stack_pictures(pictures: Sequence[tuple[Path, Tensor]]) -> Shaped[Tensor, "time *picture"]:
    """Stack pictures in the order given.

    Raises:
        ValueError: a picture differs in size from the first one.
    """
    first, need = pictures[0][0], pictures[0][1].shape
    for path, picture in pictures:
        if picture.shape != need:
            raise ValueError(
                f"all frames must have the same size; {path} is {picture.shape[-1]}x{picture.shape[-2]}, expected "
                f"{need[-1]}x{need[-2]} as {first.name}"
            )
    return torch.stack([picture for _, picture in pictures])


def write_image(path: Path, image: UInt8[Tensor, "3 height width"]) -> None:
    """Write a picture; the format follows from the suffix."""
    Image.fromarray(rearrange(image, "rgb height width -> height width rgb").cpu().numpy()).save(path)


def write_depth(path: Path, depth: Float[Tensor, "height width"], scale: int | float) -> None:
    """Write depth (metres, 0 where unknown) as a 16-bit picture with `scale` units a metre, rounded.

    Raises:
        ValueError: the largest depth does not fit 16 bits.
    """
    units = (depth * scale).round()
    if units.max() > np.iinfo(np.uint16).max:
        raise ValueError(
            f"depth {depth.max():.1f} m does not fit 16 bits at {scale:g} units a metre: use a lower scale"
        )
    Image.fromarray(units.cpu().numpy().astype(np.uint16)).save(path)


def _open(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
        image.load()
    except (UnidentifiedImageError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} cannot be read as a picture: it is truncated or of another format") from error
    return image
