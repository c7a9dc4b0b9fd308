"""Points on a token grid: the mean of the known points of each token."""

from __future__ import annotations

import torch
from einops import rearrange
from torch.nn.functional import adaptive_avg_pool2d

from models.geometry.point_map import PointMap


def pool_points(points: PointMap, rows: int, cols: int) -> PointMap:
    """Pool a point map to rows x cols tokens: the mean of the valid points in each cell; a cell without one is invalid.

    Cells are those of adaptive pooling, so sizes need not divide. Pool before clipping or after: it is linear.
    Source: SR-3D (arXiv 2509.13317) resizes its position map to the token grid; the masked mean is ours.
    """
    known = points.valid[..., None]
    layers = torch.cat([torch.where(known, points.xyz, torch.zeros_like(points.xyz)), known.to(points.xyz)], -1)
    pooled = adaptive_avg_pool2d(rearrange(layers, "... h w c -> (...) c h w"), (rows, cols))
    total, share = pooled[:, :3], pooled[:, 3:]
    valid = share > 0
    mean = torch.where(valid, total / share.clamp_min(torch.finfo(share.dtype).tiny), torch.zeros_like(total))
    batch = points.valid.shape[:-2]
    return PointMap(
        rearrange(mean, "b c h w -> b h w c").reshape(*batch, rows, cols, 3),
        valid.reshape(*batch, rows, cols),
        points.frame,
    )
