"""What a picture with depth says of one object: the points that it shows, and the room that it looks through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap

AROUND = 3  # pixels along an axis whose nearest depth counts, where a place must be surely empty


@dataclass(frozen=True)
class Evidence:
    """The depth of a picture, and the visible points of one object of it."""

    depth: Float[np.ndarray, "height width"]  # metres, 0 where unknown
    points: Float[np.ndarray, "point 3"]  # of the object, camera frame
    intrinsics: Float[np.ndarray, "3 3"]

    @classmethod
    def of(cls, points: PointMap, mask: Bool[Tensor, "height width"], intrinsics: Float[Tensor, "3 3"]) -> Evidence:
        """Take it from a camera point map and the visible pixels of the object."""
        xyz, valid = points.xyz.double().numpy(), points.valid.numpy()
        return cls(np.where(valid, xyz[..., 2], 0.0), xyz[valid & mask.numpy()], intrinsics.double().numpy())

    @property
    def extent(self) -> float:
        """Diagonal of the box around the points, metres."""
        return max(float(np.linalg.norm(np.ptp(self.points, axis=0))), 1e-3)

    def some(self, count: int) -> Float[np.ndarray, "point 3"]:
        """Take `count` evenly spaced points, or all if there are fewer."""
        places = np.linspace(0, len(self.points) - 1, min(count, len(self.points))).round().astype(int)
        return np.asarray(self.points[places])

    def stands_before(self, xyz: Float[np.ndarray, "point 3"]) -> float:
        """Measure the mean depth by which camera points stand before what is seen there, in extents.

        A point counts for 1 at most, and for nothing where there is no depth, or outside the picture.
        """
        seen = self._depth_at(xyz, self.depth)
        return float((np.where(seen > 0, seen - xyz[:, 2], 0.0).clip(0, self.extent) / self.extent).mean())

    def seen_through(self, xyz: Float[np.ndarray, "point 3"], slack: float) -> Bool[np.ndarray, "point"]:
        """Find the camera points that stand before all that is seen near them, by more than `slack` metres.

        The picture shows what is behind them, so nothing is there. Unknown depth nearby leaves a point open.
        """
        seen = self._depth_at(xyz, self._nearest_depth)
        return np.asarray((seen > 0) & (xyz[:, 2] < seen - slack))

    @cached_property
    def _nearest_depth(self) -> Float[np.ndarray, "height width"]:
        depth = rearrange(torch.from_numpy(self.depth), "h w -> 1 1 h w")
        return (-F.max_pool2d(-depth, AROUND, 1, AROUND // 2))[0, 0].numpy()

    def _depth_at(
        self, xyz: Float[np.ndarray, "point 3"], depth: Float[np.ndarray, "height width"]
    ) -> Float[np.ndarray, "point"]:
        """Look up the depth that is seen where camera points are; 0 behind the camera and outside the picture."""
        z = xyz[:, 2]
        pixels = np.floor((xyz @ self.intrinsics.T)[:, :2] / np.where(z > 1e-6, z, np.inf)[:, None]).astype(int)
        height, width = depth.shape
        inside = (z > 1e-6) & ((pixels >= 0) & (pixels < [width, height])).all(1)
        found = np.zeros(len(xyz))
        found[inside] = depth[pixels[inside, 1], pixels[inside, 0]]
        return found
