"""Regular grids over the unit cube [-0.5, 0.5]^3."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def voxel_centres(side: int, like: Tensor) -> Float[Tensor, "side side side 3"]:
    """List the centres of a grid of `side` voxels along each axis, on the device and in the dtype of `like`."""
    axis = (torch.arange(side, device=like.device, dtype=like.dtype) + 0.5) / side - 0.5
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
