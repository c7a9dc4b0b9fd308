"""Rigid and similarity transforms as 4x4 matrices `a_T_b`: coordinates in b to coordinates in a."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def transform_points(xyz: Float[Tensor, "*#batch 3"], a_T_b: Float[Tensor, "*#batch 4 4"]) -> Float[Tensor, "*_ 3"]:
    """Apply `a_T_b` to points in b. Batch axes broadcast."""
    # einsum folds axes that `a_T_b` shares into one matrix product; `@` would run one tiny product a point
    return torch.einsum("...ij,...j->...i", a_T_b[..., :3, :3], xyz) + a_T_b[..., :3, 3]


def invert(a_T_b: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4 4"]:
    """Invert a rigid transform: `b_T_a`, by R^T and -R^T t (exact for rotations; not for similarities)."""
    rotation = a_T_b[..., :3, :3].transpose(-1, -2)
    translation = -(rotation @ a_T_b[..., :3, 3:])
    return matrix(rotation, translation[..., 0])


def matrix(
    rotation: Float[Tensor, "*batch 3 3"], translation: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 4 4"]:
    """Assemble a 4x4 transform from its rotation (or scaled rotation) and translation."""
    top = torch.cat([rotation, translation[..., None]], -1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 3] = 1
    return torch.cat([top, bottom], -2)
