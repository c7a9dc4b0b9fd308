"""Pinhole cameras: OpenCV axes (x right, y down, z forward), pixels with centres at .5."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def pixel_centres(height: int, width: int, like: Tensor) -> Float[Tensor, "height width 2"]:
    """List the (u, v) of every pixel centre, on the device and in the dtype of `like`."""
    v = torch.arange(height, device=like.device, dtype=like.dtype) + 0.5
    u = torch.arange(width, device=like.device, dtype=like.dtype) + 0.5
    return torch.stack(torch.meshgrid(u, v, indexing="xy"), -1)


def project(xyz: Float[Tensor, "*batch 3"], intrinsics: Float[Tensor, "*#batch 3 3"]) -> Float[Tensor, "*batch 2"]:
    """Project camera points to pixels (u, v). Points at or behind the camera (z <= 0) give NaN."""
    z = torch.where(xyz[..., 2:] > 0, xyz[..., 2:], torch.full_like(xyz[..., 2:], torch.nan))
    focal = torch.stack([intrinsics[..., 0, 0], intrinsics[..., 1, 1]], -1)
    return xyz[..., :2] / z * focal + intrinsics[..., :2, 2]


def default_intrinsics(height: int, width: int, hfov_deg: int | float = 60) -> Float[Tensor, "3 3"]:
    """Build the intrinsics of a centred pinhole with square pixels and horizontal field of view `hfov_deg`."""
    focal = 0.5 * width / math.tan(math.radians(hfov_deg) / 2)
    return torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])


def resize_intrinsics(
    intrinsics: Float[Tensor, "*batch 3 3"], old: tuple[int, int], new: tuple[int, int]
) -> Float[Tensor, "*batch 3 3"]:
    """Follow an image resize from `old` to `new` (height, width); with centres at .5 this is a pure scaling."""
    scale = torch.tensor([new[1] / old[1], new[0] / old[0], 1.0]).to(intrinsics)
    return scale[:, None] * intrinsics


def crop_intrinsics(
    intrinsics: Float[Tensor, "*batch 3 3"], left: int | float, top: int | float
) -> Float[Tensor, "*batch 3 3"]:
    """Follow a crop whose top-left corner lies at pixel (left, top)."""
    shift = torch.tensor([[0, 0, left], [0, 0, top], [0, 0, 0]]).to(intrinsics)
    return intrinsics - shift
