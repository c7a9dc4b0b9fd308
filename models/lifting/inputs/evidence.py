"""What a picture with depth says of an object: the points that it shows, the room that it looks through, the floor."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap
from models.geometry.planes import Plane, find_planes

WINDOW = 3  # pixels along an axis whose nearest depth counts, where a place must be surely empty
GAP = 0.01  # of the median distance of what surrounds an object: a point this close to a plane is part of it
BOUNDS = 0.98  # share of all points, and of the object's, that a plane has in front of it where it bounds the room
STEEPEST_DEG = 25.0  # between an object's up and the normal of a floor
FEWEST = 50  # points around an object that show a floor
AROUND = 100_000  # points around an object that are kept


@dataclass(frozen=True)
class Evidence:
    """The depth of a picture, the visible points of one object of it, and the points of all other pixels with depth."""

    depth: Float[np.ndarray, "height width"]  # metres, 0 where unknown
    points: Float[np.ndarray, "point 3"]  # of the object, camera frame
    intrinsics: Float[np.ndarray, "3 3"]
    around: Float[np.ndarray, "other 3"] = field(
        default_factory=lambda: np.empty((0, 3))
    )  # of the other pixels, likewise

    @classmethod
    def of(cls, points: PointMap, mask: Bool[Tensor, "height width"], intrinsics: Float[Tensor, "3 3"]) -> Evidence:
        """Take it from a camera point map and the visible pixels of the object."""
        xyz, valid = points.xyz.double().numpy(), points.valid.numpy()
        own = mask.numpy()
        depth = np.where(valid, xyz[..., 2], 0.0)
        around = xyz[valid & ~own]
        return cls(depth, xyz[valid & own], intrinsics.double().numpy(), evenly_spaced(around, AROUND))

    def floor(self, up: Float[np.ndarray, "3"]) -> Plane | None:
        """Find the floor: the largest plane around the object that bounds what is seen and that faces `up` (a unit
        vector of the camera frame) within 25 degrees; None where there is none.
        """
        return next((plane for plane in self._bounds if plane.normal @ up > np.cos(np.radians(STEEPEST_DEG))), None)

    def beneath(
        self, xyz: Float[np.ndarray, "point 3"], up: Float[np.ndarray, "3"], slack: float
    ) -> Bool[np.ndarray, "point"]:
        """Find the camera points that are under the floor (see `floor`) by more than `slack` metres."""
        floor = self.floor(up)
        return np.zeros(len(xyz), bool) if floor is None else np.asarray(floor.height(xyz) < -slack)

    @cached_property
    def _bounds(self) -> list[Plane]:
        """Planes of what surrounds the object, largest first, that have next to nothing behind them."""
        if len(self.around) < FEWEST or not len(self.points):
            return []
        planes = find_planes(self.around, self.gap, np.random.default_rng(0))
        return [
            plane
            for plane in planes
            if all((plane.height(seen) > -2 * self.gap).mean() > BOUNDS for seen in (self.around, self.points))
        ]

    @cached_property
    def gap(self) -> float:
        """Distance (metres) up to which a point around the object is part of a plane; 0 where nothing is around."""
        return GAP * float(np.median(np.linalg.norm(self.around, axis=1))) if len(self.around) else 0.0

    @property
    def extent(self) -> float:
        """Diagonal of the box around the points, metres."""
        return max(float(np.linalg.norm(np.ptp(self.points, axis=0))), 1e-3)

    def some(self, count: int) -> Float[np.ndarray, "point 3"]:
        """Take `count` evenly spaced points, or all if there are fewer."""
        return evenly_spaced(self.points, count)

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
        return (-F.max_pool2d(-depth, WINDOW, 1, WINDOW // 2))[0, 0].numpy()

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


def evenly_spaced(xyz: Float[np.ndarray, "point 3"], count: int) -> Float[np.ndarray, "some 3"]:
    """Take `count` evenly spaced points of a list, or all if there are fewer."""
    places = np.linspace(0, len(xyz) - 1, min(count, len(xyz))).round().astype(int)
    return np.asarray(xyz[places])
