"""What a picture with depth shows of an object: its visible points, free space, and the floor."""

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

FREE_SPACE_WINDOW = 3  # pixels along an axis whose nearest depth bounds free space
PLANE_TOLERANCE = 0.01  # of the median distance of the surroundings: nearer points are part of a plane
BOUNDING_SHARE = 0.98  # share of the points, all and the object's, in front of a plane that bounds the room
MAX_FLOOR_TILT_DEG = 25.0  # between an object's up and the normal of a floor
MAX_SUPPORT_TILT_DEG = 75.0  # between the top of the picture and the normal of a support
MAX_CONTACT_GAP = 0.1  # share of the visible height: an object that starts higher does not stand on a plane
NEIGHBOURHOOD = 1.5  # extents around the middle of an object in which its support is looked for
MIN_FLOOR_POINTS = 50  # around an object, to find a floor
MAX_SURROUNDING_POINTS = 100_000  # that are kept


@dataclass(frozen=True)
class Evidence:
    """The depth of a picture, the visible points of one object of it, and the points of all other pixels with depth."""

    depth: Float[np.ndarray, "height width"]  # metres, 0 where unknown
    points: Float[np.ndarray, "point 3"]  # of the object, camera frame
    intrinsics: Float[np.ndarray, "3 3"]
    surroundings: Float[np.ndarray, "other 3"] = field(default_factory=lambda: np.empty((0, 3)))  # camera frame

    @classmethod
    def of(cls, points: PointMap, mask: Bool[Tensor, "height width"], intrinsics: Float[Tensor, "3 3"]) -> Evidence:
        """Collect the evidence of a camera point map and the visible pixels of the object."""
        xyz, valid = points.xyz.double().numpy(), points.valid.numpy()
        on_object = mask.numpy()
        depth = np.where(valid, xyz[..., 2], 0.0)
        around = xyz[valid & ~on_object]
        return cls(
            depth, xyz[valid & on_object], intrinsics.double().numpy(), evenly_spaced(around, MAX_SURROUNDING_POINTS)
        )

    def floor(self, up: Float[np.ndarray, "3"]) -> Plane | None:
        """Find the floor: what the object visibly stands on (`support`), or the largest plane that bounds the room.

        Its normal is within 25 degrees of `up`, a unit vector of the camera frame. None where there is no such plane.
        """
        planes = [*([] if self.support is None else [self.support]), *self._bounds]
        return next((plane for plane in planes if plane.normal @ up > np.cos(np.radians(MAX_FLOOR_TILT_DEG))), None)

    @cached_property
    def support(self) -> Plane | None:
        """The plane that the object visibly stands on, whatever lies below it: a floor, a table, a shelf.

        Among the planes around the object: one that faces up, within 75 degrees of the top of the picture, with the
        visible points of the object above it, and its lowest ones on it. None where no plane is like that.
        """
        if len(self.surroundings) < MIN_FLOOR_POINTS or not len(self.points):
            return None
        middle = (self.points.min(0) + self.points.max(0)) / 2
        near = self.surroundings[np.linalg.norm(self.surroundings - middle, axis=1) < NEIGHBOURHOOD * self.extent]
        if len(near) < MIN_FLOOR_POINTS:
            return None
        tolerance = min(self.plane_tolerance, MAX_CONTACT_GAP * self.extent)
        for plane in find_planes(near, tolerance, np.random.default_rng(0)):
            heights = plane.height(self.points)
            low, high = np.quantile(heights, [0.02, 0.98])
            above = (heights > -2 * tolerance).mean() > BOUNDING_SHARE
            faces_up = -plane.normal[1] > np.cos(np.radians(MAX_SUPPORT_TILT_DEG))
            if faces_up and above and high > 2 * tolerance and low < 2 * tolerance + MAX_CONTACT_GAP * (high - low):
                return plane
        return None

    def below_floor(
        self, xyz: Float[np.ndarray, "point 3"], up: Float[np.ndarray, "3"], margin: float
    ) -> Bool[np.ndarray, "point"]:
        """Mark the camera points that are more than `margin` metres below the floor (see `floor`)."""
        floor = self.floor(up)
        return np.zeros(len(xyz), bool) if floor is None else np.asarray(floor.height(xyz) < -margin)

    @cached_property
    def _bounds(self) -> list[Plane]:
        """Planes of the surroundings, largest first, with almost no point behind them."""
        if len(self.surroundings) < MIN_FLOOR_POINTS or not len(self.points):
            return []
        planes = find_planes(self.surroundings, self.plane_tolerance, np.random.default_rng(0))
        return [
            plane
            for plane in planes
            if all(
                (plane.height(seen) > -2 * self.plane_tolerance).mean() > BOUNDING_SHARE
                for seen in (self.surroundings, self.points)
            )
        ]

    @cached_property
    def plane_tolerance(self) -> float:
        """Distance (metres) within which a surrounding point is part of a plane; 0 without surroundings."""
        return (
            PLANE_TOLERANCE * float(np.median(np.linalg.norm(self.surroundings, axis=1)))
            if len(self.surroundings)
            else 0.0
        )

    @property
    def extent(self) -> float:
        """Diagonal of the box around the points, metres."""
        return max(float(np.linalg.norm(np.ptp(self.points, axis=0))), 1e-3)

    def thinned(self, count: int) -> Float[np.ndarray, "point 3"]:
        """Select `count` evenly spaced visible points, or all if there are fewer."""
        return evenly_spaced(self.points, count)

    def occluding_depth(self, xyz: Float[np.ndarray, "point 3"]) -> float:
        """Measure the mean depth by which camera points occlude the observed surface, in extents of the object.

        A point counts at most 1, and 0 where the depth is unknown or outside the picture.
        """
        observed = self._depth_at(xyz, self.depth)
        return float((np.where(observed > 0, observed - xyz[:, 2], 0.0).clip(0, self.extent) / self.extent).mean())

    def clearance(self, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point"]:
        """Measure how far (metres) camera points lie before every observed depth near them.

        Negative behind it, and minus infinite where the depth is unknown: nothing is then known to be empty.
        """
        observed = self._depth_at(xyz, self._nearest_depth)
        return np.asarray(np.where(observed > 0, observed - xyz[:, 2], -np.inf))

    def in_free_space(self, xyz: Float[np.ndarray, "point 3"], margin: float) -> Bool[np.ndarray, "point"]:
        """Mark the camera points in free space: more than `margin` metres before every observed depth near them.

        The camera sees through such a point, so it is empty (space carving). Unknown depth nearby leaves it undecided.
        """
        observed = self._depth_at(xyz, self._nearest_depth)
        return np.asarray((observed > 0) & (xyz[:, 2] < observed - margin))

    @cached_property
    def _nearest_depth(self) -> Float[np.ndarray, "height width"]:
        depth = rearrange(torch.from_numpy(self.depth), "h w -> 1 1 h w")
        return (-F.max_pool2d(-depth, FREE_SPACE_WINDOW, 1, FREE_SPACE_WINDOW // 2))[0, 0].numpy()

    def _depth_at(
        self, xyz: Float[np.ndarray, "point 3"], depth: Float[np.ndarray, "height width"]
    ) -> Float[np.ndarray, "point"]:
        """Look up the observed depth at the pixels of camera points; 0 behind the camera and outside the picture."""
        z = xyz[:, 2]
        pixels = np.floor((xyz @ self.intrinsics.T)[:, :2] / np.where(z > 1e-6, z, np.inf)[:, None]).astype(int)
        height, width = depth.shape
        inside = (z > 1e-6) & ((pixels >= 0) & (pixels < [width, height])).all(1)
        observed = np.zeros(len(xyz))
        observed[inside] = depth[pixels[inside, 1], pixels[inside, 0]]
        return observed


def evenly_spaced(xyz: Float[np.ndarray, "point 3"], count: int) -> Float[np.ndarray, "some 3"]:
    """Select `count` evenly spaced points of a list, or all if there are fewer."""
    indices = np.linspace(0, len(xyz) - 1, min(count, len(xyz))).round().astype(int)
    return np.asarray(xyz[indices])
