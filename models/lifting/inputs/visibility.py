"""The visible colours of points."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap, project


def visible_colours(
    xyz: Float[Tensor, "point 3"],
    image: Float[Tensor, "3 height width"],
    mask: Bool[Tensor, "height width"],
    points: PointMap,
    intrinsics: Float[Tensor, "3 3"],
    tolerance: int | float,
) -> tuple[Float[Tensor, "point 3"], Bool[Tensor, "point"]]:
    """Look up the colours of the visible camera points (metres) in the picture.

    A point is visible if it projects into the mask and its depth is that of the point map there, to within `tolerance`
    (metres). Returns the colours (0 where not visible) and which points are visible.
    """
    height, width = mask.shape
    pixels = project(xyz, intrinsics).nan_to_num(-1.0).floor()
    col, row = pixels.clamp(-1, max(height, width)).long().unbind(-1)
    inside = (col >= 0) & (col < width) & (row >= 0) & (row < height)
    col, row = col.clamp(0, width - 1), row.clamp(0, height - 1)
    depth_agrees = (points.xyz[row, col, 2] - xyz[:, 2]).abs() <= tolerance
    seen = inside & mask[row, col] & points.valid[row, col] & depth_agrees
    return torch.where(seen[:, None], image[:, row, col].T, torch.zeros_like(xyz)), seen
