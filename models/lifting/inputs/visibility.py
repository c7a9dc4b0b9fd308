"""The camera of a point map, and the visible colours of points."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap, pixel_centres, project


def fit_intrinsics(points: PointMap) -> Float[Tensor, "3 3"]:
    """Fit the pinhole of a camera point map: least-squares lines of u over x / z, and of v over y / z.

    Exact for points that were unprojected. Raises ValueError where the points are not in the camera frame or do not
    fix a camera (fewer than two valid pixels, or all in one row or column).
    """
    if points.frame != "cam":
        raise ValueError(f"intrinsics need points in the frame 'cam', got {points.frame!r}")
    seen = points.xyz[points.valid].double()
    height, width = points.valid.shape
    pixels = pixel_centres(height, width, points.xyz)[points.valid].double()
    slope = seen[:, :2] / seen[:, 2:]
    spread = (slope - slope.mean(0)).square().sum(0) if len(slope) else slope.new_zeros(2)
    if bool((spread < 1e-12).any()):
        raise ValueError(f"{len(slope)} valid points do not fix a camera; they must spread over rows and columns")
    focal = ((slope - slope.mean(0)) * pixels).sum(0) / spread
    centre = pixels.mean(0) - focal * slope.mean(0)
    (fx, fy), (cx, cy) = focal.tolist(), centre.tolist()
    return torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], device=points.xyz.device)


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
