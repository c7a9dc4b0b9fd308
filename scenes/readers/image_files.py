"""Pictures on disk as tensors."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Shaped, UInt8
from PIL import Image
from torch import Tensor

from scenes.readers.pictures.colours import to_rgb, to_values
from scenes.readers.pictures.opening import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from scenes.readers.pictures.opening import open_picture

READERS = 2  # threads that decode pictures


def list_images(folder: Path) -> list[Path]:
    """List the pictures of a folder in natural order: frame2 comes before frame10.

    Hidden files are left out, such as the `._*` that macOS writes beside pictures on foreign disks.
    """
    return list_visible(folder, IMAGE_SUFFIXES)


def list_visible(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """List the files of a folder with these suffixes (lower case), as `list_images` does."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith(".") and _is_file(entry, suffixes)]
    return [folder / name for name in sorted(names, key=natural_order)]


def _is_file(entry: os.DirEntry[str], suffixes: Collection[str]) -> bool:
    return os.path.splitext(entry.name)[1].lower() in suffixes and entry.is_file()


def natural_order(name: str) -> tuple[list[int | str], str]:
    """Order names as people count: by the numbers in them, then by their spelling."""
    words = re.split(r"(\d+)", name)
    return [int(word) if word.isdecimal() else word for word in words], name


def read_image(path: Path, out: UInt8[Tensor, "3 _ _"] | None = None) -> UInt8[Tensor, "3 height width"]:
    """Read a picture as 8-bit RGB, upright (its EXIF orientation is applied); see `to_rgb` for other modes and `out`.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ImportError: the file is HEIC, and the extra "heic" is not installed.
        ValueError: the file is not one picture, or it is truncated or too large.
    """
    with open_picture(path) as image:
        return to_rgb(image, path, out)


def read_images(paths: Sequence[Path]) -> UInt8[Tensor, "time 3 height width"]:
    """Read pictures of one size as a video; two at a time are in memory beside it.

    Raises:
        FileNotFoundError, ImportError: as `read_image`.
        ValueError: as `read_image`, or a picture differs in size from the first one.
    """
    first = read_image(paths[0])
    video = first.new_empty(len(paths), *first.shape)
    video[0] = first

    def read(index: int) -> None:
        _refuse_size(paths[index], read_image(paths[index], video[index]), paths[0], first)

    with ThreadPoolExecutor(READERS) as pool:  # Pillow decodes without Python's lock
        reading = [pool.submit(read, index) for index in range(1, len(paths))]
        try:
            for each in reading:  # the first error in the order of the pictures
                each.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return video


def read_depth(path: Path, scale: int | float) -> Float[Tensor, "height width"]:
    """Read a 16-bit depth picture as metres; it holds `scale` units a metre, and 0 where the depth is unknown.

    Raises:
        ValueError: the file is not a picture with one 16-bit channel.
    """
    with open_picture(path) as image:
        if not image.mode.startswith("I"):  # PIL: "I;16", and "I" for 16-bit PNG before Pillow 11
            raise ValueError(f"{path} has mode {image.mode}, expected one 16-bit channel of depth")
        depth = to_values(image).astype(np.float32)
    return torch.from_numpy(depth) / scale


def read_half_depth(path: Path, scale: int | float) -> Float[Tensor, "height width"]:
    """Read depth that a 16-bit picture holds as the bits of half-precision floats, times `scale`; 0 where unknown.

    Source: CO3D (arXiv 2109.00512), its data release.

    Raises:
        ValueError: the file is not a picture with one 16-bit channel.
    """
    with open_picture(path) as image:
        if not image.mode.startswith("I"):
            raise ValueError(f"{path} has mode {image.mode}, expected one 16-bit channel of depth")
        bits = to_values(image).astype(np.uint16)
    depth = torch.from_numpy(bits.view(np.float16).astype(np.float32)) * scale
    return torch.where(torch.isfinite(depth) & (depth > 0), depth, torch.zeros_like(depth))


def read_grey(path: Path) -> UInt8[Tensor, "height width"]:
    """Read a picture of one channel, 0 to 255; one of 1 bit gives 0 and 255, one of 16 bits is scaled.

    Raises:
        ValueError: the file is not a picture, or it is truncated.
    """
    with open_picture(path) as image:
        if image.mode[0] in "IF":
            return to_rgb(image, path)[0]
        return torch.from_numpy(to_values(image.convert("L")))


def write_mask(path: Path, mask: Bool[Tensor, "height width"]) -> None:
    """Write a mask as a picture, white inside."""
    Image.fromarray((255 * mask.to(torch.uint8)).cpu().numpy()).save(path)


def stack_pictures(pictures: Sequence[tuple[Path, Tensor]]) -> Shaped[Tensor, "time *picture"]:
    """Stack pictures in the order given.

    Raises:
        ValueError: a picture differs in size from the first one.
    """
    for path, picture in pictures:
        _refuse_size(path, picture, *pictures[0])
    return torch.stack([picture for _, picture in pictures])


def _refuse_size(path: Path, picture: Tensor, first: Path, expected: Tensor) -> None:
    (height, width), (need_height, need_width) = picture.shape[-2:], expected.shape[-2:]
    if (height, width) != (need_height, need_width):
        turned = "; turn them alike" if (height, width) == (need_width, need_height) else ""
        raise ValueError(
            f"all frames must have the same size; {path} is {width}x{height}, expected {need_width}x{need_height} as "
            f"{first.name}{turned}"
        )


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
