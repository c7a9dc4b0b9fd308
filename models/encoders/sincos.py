"""Fixed position embeddings of sines and cosines."""

from __future__ import annotations

import math

import torch
from einops import repeat
from jaxtyping import Float, Int64
from torch import Tensor

BASE = 10000.0


def sincos(positions: Int64[Tensor, "position"], width: int) -> Float[Tensor, "position channel"]:
    """Embed whole positions: sines of all frequencies, then their cosines.

    Frequency i of n is 10000^(-i / n). Source: Attention Is All You Need (arXiv 1706.03762) 3.5, with sines first.
    """
    frequencies = BASE ** -(torch.arange(width // 2, dtype=torch.float64) / (width // 2))
    angles = positions.double()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1).float()


def sincos_3d(grid: tuple[int, int, int], width: int) -> Float[Tensor, "slot rows cols channel"]:
    """Embed the cells of a grid in time, height and width: a third of the channels each, what is over cut off.

    Source: V-JEPA (arXiv 2404.08471), `uniform_power` of its released configs.
    """
    third = 2 * math.ceil(width / 6)
    slots, rows, cols = grid
    along_time, along_height, along_width = (sincos(torch.arange(side), third) for side in grid)
    parts = [
        repeat(along_time, "s d -> s r c d", r=rows, c=cols),
        repeat(along_height, "r d -> s r c d", s=slots, c=cols),
        repeat(along_width, "c d -> s r c d", s=slots, r=rows),
    ]
    return torch.cat(parts, -1)[..., :width]
