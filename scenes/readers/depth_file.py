"""One depth map on disk: a 16-bit picture, or a NumPy array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from scenes.readers.image_files import read_depth

UNITS = 1000  # a metre, of whole numbers


def read_depth_file(path: str | Path, scale: int | float | None = None) -> Float[Tensor, "height width"]:
    """Read depth as metres along z, as it is: what is 0, negative, NaN or infinite is unknown.

    Args:
        path: `.npy` with a (height, width) array, or a 16-bit picture.
        scale: units in one metre; by default 1000 of whole numbers (pictures), and 1 of floating-point ones.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no depth file '{path}'")
    if path.suffix != ".npy":
        return read_depth(path, scale or UNITS)
    try:
        depth = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read: need a .npy file with one array of numbers") from error
    if depth.ndim != 2 or depth.dtype.kind not in "iuf":
        raise ValueError(f"{path} holds {depth.dtype} of shape {depth.shape}: need numbers of shape (height, width)")
    units = scale or (1 if depth.dtype.kind == "f" else UNITS)
    return torch.from_numpy(depth.astype(np.float32)) / units
