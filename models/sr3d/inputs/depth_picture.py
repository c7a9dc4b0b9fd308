"""The depth picture of SpatialRGPT: inverse depth as grey levels."""

from __future__ import annotations

import torch
from einops import repeat
from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import PointMap, invert, transform


def depth_picture(
    points: PointMap, world_T_cam: Float[Tensor, "time 4 4"] | None = None
) -> UInt8[Tensor, "time 3 height width"]:
    """Draw 1 / z of each frame, from 0 (the farthest point of the frame, and unknown ones) to 255 (the nearest).

    Any scale, and metres as well, give the same picture. SpatialRGPT was trained with such pictures of Depth Anything,
    whose output is an inverse depth.

    Raises:
        ValueError: points in the frame `world` come without poses.
    """
    if points.frame != "cam":
        if world_T_cam is None:
            raise ValueError(f"a depth picture of points in the frame {points.frame!r} needs camera poses")
        points = transform(points, invert(world_T_cam.float()), "cam")
    z = points.xyz[..., 2]
    valid = points.valid & (z > 0)
    nearness = torch.where(valid, 1 / z.where(valid, torch.ones_like(z)), torch.nan).flatten(1)
    low = nearness.nan_to_num(nan=torch.inf).amin(1, keepdim=True)
    high = nearness.nan_to_num(nan=-torch.inf).amax(1, keepdim=True)
    grey = (255 * (nearness - low) / (high - low)).nan_to_num(nan=0).to(torch.uint8)  # truncated, as in SpatialRGPT
    picture: Tensor = repeat(grey.unflatten(1, z.shape[1:]), "t row col -> t rgb row col", rgb=3)
    return picture
