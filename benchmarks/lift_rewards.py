"""A reward of lifted objects that needs no truth: does what is seen support the surface, and contradict none of it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from benchmarks.lift_truth import in_camera
from benchmarks.lift_worlds import Prediction
from benchmarks.metrics.surface import Surface
from models.geometry import PointMap

POINTS = 500  # visible ones, and of the surface


@dataclass(frozen=True)
class Evidence:
    """What a picture with depth says of one object."""

    depth: Float[np.ndarray, "height width"]  # metres, 0 where unknown
    points: Float[np.ndarray, "point 3"]  # of the object, camera frame
    intrinsics: Float[np.ndarray, "3 3"]

    @classmethod
    def of(
        cls, map_: PointMap, mask: Bool[np.ndarray, "height width"], intrinsics: Float[np.ndarray, "3 3"]
    ) -> Evidence:
        """Take it from a point map as a method saw it."""
        xyz, valid = map_.xyz.double().numpy(), map_.valid.numpy()
        return cls(np.where(valid, xyz[..., 2], 0.0), xyz[valid & mask], intrinsics)


def visible_reward(prediction: Prediction, evidence: Evidence) -> float:
    """Reward a surface that passes through the visible points and leaves free what the camera looks through.

    Minus the mean distance of visible points to the surface, minus the mean depth by which points of the surface stand
    before what is seen there (1 at most; nothing where there is no depth, or outside the picture); both in units of the
    visible points' extent. Source: ours; specs/sam3d.md 7.3 E7 asks for a visible-only reward.
    """
    surface = Surface(in_camera(prediction.mesh, prediction.cam_T_obj, prediction.scale), "the predicted mesh")
    chosen = np.linspace(0, len(evidence.points) - 1, min(POINTS, len(evidence.points))).round().astype(int)
    visible = evidence.points[chosen]
    extent = max(float(np.linalg.norm(np.ptp(visible, axis=0))), 1e-3)
    apart = surface.distance(visible).mean() / extent
    xyz = surface.sample(POINTS, np.random.default_rng(0))
    front = xyz[xyz[:, 2] > 1e-6]
    pixels = np.floor((front @ evidence.intrinsics.T)[:, :2] / front[:, 2:]).astype(int)
    height, width = evidence.depth.shape
    inside = ((pixels >= 0) & (pixels < [width, height])).all(1)
    seen = evidence.depth[pixels[inside, 1], pixels[inside, 0]]
    before = np.where(seen > 0, seen - front[inside, 2], 0.0).clip(0, extent) / extent
    return float(-apart - before.sum() / POINTS)
