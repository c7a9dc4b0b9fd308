"""Random poses and point maps for property tests."""

from __future__ import annotations

import torch
from torch import Tensor

from models.geometry import PointMap, matrix


def random_rotations(generator: torch.Generator, count: int) -> Tensor:
    """Draw rotations (determinant +1)."""
    rotation = torch.linalg.qr(torch.randn(count, 3, 3, generator=generator))[0]
    return rotation * torch.linalg.det(rotation)[:, None, None]


def random_poses(generator: torch.Generator, count: int) -> Tensor:
    """Draw rigid transforms with translations of a few metres."""
    return matrix(random_rotations(generator, count), 3 * torch.randn(count, 3, generator=generator))


def random_world(generator: torch.Generator, *shape: int, share: float = 0.7) -> PointMap:
    """Draw a world point map in which about `share` of the pixels is known."""
    valid = torch.rand(*shape, generator=generator) < share
    valid[..., 0, :2] = True
    scene = 2 * torch.randn(*shape, 3, generator=generator) * torch.tensor([3.0, 2.0, 1.0]) + 1
    return PointMap.from_xyz(scene, "world", valid)
