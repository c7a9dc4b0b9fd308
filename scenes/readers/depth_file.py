"""One depth map on disk: a 16-bit picture, or a NumPy array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from scenes.readers.image_files import read_depth

MILLIMETRES = 1000  # units a metre of integer depth


def read_depth_file(path: str | Path, scale: int | float | None = None) -> Float[Tensor, "height width"]:
    """Read z-depth in metres, unchanged: 0, negative, NaN and infinite values are unknown depth.

    Args:
        path: `.npy` with a (height, width) array, or a 16-bit picture.
        scale: units in one metre; by default 1000 for integers (pictures), and 1 for floating-point numbers.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is neither.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no depth file '{path}'")
    if path.suffix != ".npy":
        return read_depth(path, scale or MILLIMETRES)
    try:
        depth = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read; give a .npy file with one array of numbers") from error
    if depth.ndim != 2 or depth.dtype.kind not in "iuf":
        raise ValueError(f"{path} holds {depth.dtype} of shape {depth.shape}, need numbers of shape (height, width)")
    units = scale or (1 if depth.dtype.kind == "f" else MILLIMETRES)
    return torch.from_numpy(depth.astype(np.float32)) / units
