"""The camera that a point map was seen by."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry.cameras import pixel_centres
from models.geometry.point_map import PointMap


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
