"""One depth map on disk: a 16-bit picture, a picture of floating-point numbers (TIFF, EXR), or a NumPy array."""

from __future__ import annotations

import zlib
from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import valid_depth
from scenes.readers.pictures.opening import IMAGE_SUFFIXES, open_picture

MILLIMETRES = 1000  # units a metre of integer depth
NO_READING = 65535  # sensors and data sets write the largest 16-bit number where they saw nothing
FARTHEST = 65504.0  # the largest half-precision number; renderers write this or more (1e10) for the background
SHIFTED_DEPTH = 6.0  # metres: a room of 0.75 m and more, read with its bits rotated
PLAUSIBLE = (0.05, 200.0)  # metres; the median depth of footage lies between
DEPTH_SUFFIXES = IMAGE_SUFFIXES | {".npy", ".npz", ".exr"}


def read_depth_file(path: str | Path, scale: int | float | None = None) -> Float[Tensor, "height width"]:
    """Read z-depth in metres, 0 where unknown.

    Zero, negative, NaN and infinite depth is unknown, and so is 65535 in integers and 65504 or more in floating-point
    numbers.

    Args:
        path: a 16-bit picture, a TIFF or EXR of floating-point numbers, `.npy` or `.npz` with a (height, width) array
            (named "depth" if there are several), or a `.bin` depth map of COLMAP.
        scale: units in one metre; by default 1000 for integers, and 1 for floating-point numbers. The median depth is
            checked only for a default.

    Raises:
        FileNotFoundError: the file does not exist.
        ImportError: the file is EXR, and the extra "exr" is not installed.
        ValueError: the file is none of these, or its median is not a depth in metres.
    """
    depth = read_depth_map(Path(path), MILLIMETRES if scale is None else scale, 1 if scale is None else scale)
    if scale is None:
        check_metres(depth, str(path))
        refuse_shifted(Path(path), depth)
    return depth


def read_depth_map(
    path: Path, scale: int | float, float_scale: int | float, shifted_bits: bool = False
) -> Float[Tensor, "height width"]:
    """Read depth, 0 where unknown, with `scale` units a metre in integers and `float_scale` in floating-point numbers.

    `shifted_bits`: integers are rotated left by three bits, as SUN RGB-D has them. Raises as `read_depth_file`; the
    median is not checked.
    """
    units = read_units(path)
    if units.dtype.kind == "f":
        depth = torch.from_numpy(units.astype(np.float32))
        depth = torch.where(depth < FARTHEST, depth, 0) / float_scale
    else:
        if shifted_bits:
            units = units.astype(np.uint16)
            units = (units >> 3) | (units << 13)
        depth = torch.from_numpy(units.astype(np.float32))
        depth = torch.where(depth == NO_READING, 0, depth) / scale
    return torch.where(valid_depth(depth), depth, torch.zeros_like(depth))


def read_units(path: Path) -> np.ndarray:
    """Read the numbers of a depth file as they are. Raises as `read_depth_file`."""
    if not path.is_file():
        raise FileNotFoundError(f"no depth file '{path}'")
    match path.suffix.lower():
        case ".npy" | ".npz":
            units = _read_array(path)
        case ".exr":
            units = _read_exr(path)
        case ".bin":
            units = _read_colmap(path)
        case _:
            units = _read_picture(path)
    if units.ndim != 2 or 0 in units.shape or units.dtype.kind not in "iuf":
        raise ValueError(f"{path} holds {units.dtype} of shape {units.shape}, need numbers of shape (height, width)")
    return units


def check_metres(depth: Float[Tensor, "*batch"], name: str) -> None:
    """Check that a median depth can be one in metres.

    Raises:
        ValueError: it is below 5 cm or above 200 m, so that the units of the file are others than assumed.
    """
    known = depth[depth > 0]
    if not known.numel():
        return
    median = float(known.median())
    if not PLAUSIBLE[0] <= median <= PLAUSIBLE[1]:
        raise ValueError(
            f"{name}: the median depth would be {median:.3g} m, outside of {PLAUSIBLE[0]:g} to {PLAUSIBLE[1]:g} m, so "
            "the depth is in other units than assumed: give --depth-scale (units in one metre, 1000 for millimetres)"
        )


def refuse_shifted(path: Path, depth: Float[Tensor, "height width"]) -> None:
    """Refuse integer depth that seems to be rotated by three bits: its metres would be eight times too many.

    Rotated, depth below 8.2 m has three zero bits and depth up to 16.4 m a remainder of 1. Depth that is coarser (all
    multiples of 16) or nearer than 6 m is taken as it is.

    Raises:
        ValueError: the values of `path`, read as `depth`, look so.
    """
    units = read_units(path)
    known = units[(units > 0) & (units < NO_READING)] if units.dtype.kind in "iu" else units[:0]
    deep = depth[depth > 0]
    if not known.size or not deep.numel() or (median := float(deep.median())) <= SHIFTED_DEPTH:
        return
    rest = known % 8
    if bool((rest <= 1).all()) and (rest == 0).mean() > 0.5 and bool((known % 16 == 8).any()):
        raise ValueError(
            f"{path}: nearly all values end in three zero bits, and their median would be {median:.1f} m; SUN RGB-D "
            "rotates its depth by three bits: if it is from there, give its own folder (image/, depth_bfx/, "
            f"intrinsics.txt), or --depth-scale 8000 where all depth is below 8 m; if {median:.1f} m is right, give "
            "--depth-scale 1000"
        )


def _read_array(path: Path) -> np.ndarray:
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)  # a header that lies about the size is refused
        if isinstance(loaded, np.ndarray):
            return np.array(loaded)
        with loaded as arrays:
            name = "depth" if "depth" in arrays.files or len(arrays.files) != 1 else arrays.files[0]
            if name not in arrays.files:
                raise ValueError(f"{path} has arrays {sorted(arrays.files)}: need one named 'depth'")
            return np.array(arrays[name])
    except (ValueError, EOFError, OSError, KeyError, TypeError, MemoryError, OverflowError) as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path} cannot be read; give one array of numbers (.npy, or .npz with 'depth')") from error
    except (BadZipFile, zlib.error, SyntaxError, TokenError, RecursionError) as error:
        raise ValueError(f"{path} is cut or damaged") from error


def _read_colmap(path: Path) -> np.ndarray:
    """Read a depth map of COLMAP: "width&height&channels&", then float32 row by row."""
    head, *rest = path.read_bytes().split(b"&", 3)
    try:
        width, height, channels = int(head), int(rest[0]), int(rest[1])
        return np.frombuffer(rest[2], "<f4").reshape(height, width, channels).squeeze(2)
    except (ValueError, IndexError, OverflowError) as error:
        raise ValueError(f"{path} is cut or not a depth map of COLMAP") from error


def _read_picture(path: Path) -> np.ndarray:
    """Read a picture as it is stored: depth has no EXIF orientation."""
    with open_picture(path) as image:
        if not image.mode.startswith(("I", "F")):  # "I;16", "I" for 32 bits, "F"
            raise ValueError(f"{path} has mode {image.mode}, expected one 16-bit channel of depth")
        return np.array(image)


def _read_exr(path: Path) -> np.ndarray:
    try:
        import OpenEXR  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ImportError(f"{path} needs OpenEXR: pip install 'region4d[exr]', or write .npy") from error
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {name: np.array(channel.pixels) for name, channel in file.channels().items()}
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise ValueError(f"{path} cannot be read: it is cut or not EXR") from error
    ends = {name.rsplit(".", 1)[-1].lower(): pixels for name, pixels in channels.items()}
    for name in ("z", "depth", "v", "y", "r"):  # Blender: *.Depth.Z, V, or grey in R, G, B
        if name in ends:
            return ends[name]
    if len(channels) == 1:
        return next(iter(channels.values()))
    raise ValueError(f"{path} has channels {', '.join(sorted(channels))}: need one named Z, depth, V, Y or R")
