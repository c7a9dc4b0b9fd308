"""The plane in which an object mirrors what is seen of it onto its hidden side.

Most made objects have an upright plane of symmetry. A plane is a candidate where the mirrored points neither lie in
space that the picture shows to be empty, nor far from what it shows: of all shapes that explain a view, the smallest.
Source: Thrun and Wegbreit, "Shape from Symmetry" (ICCV 2005); Bohg et al., "Mind the Gap" (ICRA 2011), section III, for
upright planes and the two kinds of penalty. The weights are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from models.lifting.inputs.evidence import Evidence

try:
    from scipy.spatial import cKDTree
except ImportError:
    cKDTree = None

ANGLES = 24  # of the plane about the vertical axis, evenly spaced over half a turn
OFFSETS = np.linspace(-0.1, 0.75, 18)  # of the plane from the middle of the points, away from the camera, in extents
FINER = 9  # offsets about the best one, from the one before it to the one after it
COMPARED_POINTS = 300
DISTANCE_WEIGHT = 0.15  # of the distance from what is seen, relative to the depth before it
MAX_LEAN = 0.3  # cosine of the angle between the normals of two planes that count as upright to each other
MAX_INTRUSION = 0.02  # mean depth of mirrored points in empty space, in extents: more is no symmetry


@dataclass(frozen=True)
class Mirror:
    """A plane of symmetry: normal . x = offset, in the camera frame (metres)."""

    normal: Float[np.ndarray, "3"]
    offset: float
    intrusion: float = 0.0  # mean depth of the mirrored points before what is seen, in extents of the object
    distance: float = 0.0  # mean distance of the mirrored points from what is seen, in extents

    def apply(self, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Mirror camera points."""
        return np.asarray(xyz - 2 * (xyz @ self.normal - self.offset)[:, None] * self.normal)


def find_mirror(evidence: Evidence, up: Float[np.ndarray, "3"], across: Mirror | None = None) -> Mirror | None:
    """Find the upright plane that completes an object best; None where every plane fills space seen to be empty.

    Args:
        evidence: what the picture shows of the object, with at least one point.
        up: the vertical direction, a unit vector of the camera frame.
        across: a plane found before, to look for a second one at about a right angle to it.
    """
    points = evidence.thinned(COMPARED_POINTS)
    middle, seen = (points.min(0) + points.max(0)) / 2, cKDTree(points)
    side = np.cross(up, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    away = np.cross(side, up)

    def measured(normal: Float[np.ndarray, "3"], share: float) -> tuple[float, Mirror]:
        plane = Mirror(normal, float(normal @ (middle + share * evidence.extent * away)))
        mirrored = plane.apply(points)
        intrusion = float((evidence.clearance(mirrored).clip(0, evidence.extent) / evidence.extent).mean())
        distance = float(seen.query(mirrored)[0].mean()) / evidence.extent
        return intrusion + DISTANCE_WEIGHT * distance, replace(plane, intrusion=intrusion, distance=distance)

    angles = np.pi * np.arange(ANGLES) / ANGLES
    normals = np.cos(angles)[:, None] * away + np.sin(angles)[:, None] * side
    if across is not None:
        normals = normals[np.abs(normals @ across.normal) < MAX_LEAN]
    tried = ((measured(normal, share)[0], share, normal) for normal in normals for share in OFFSETS)
    _, share, coarse = min(tried, key=_cost)
    fine = share + np.diff(OFFSETS)[0] * np.linspace(-1, 1, FINER)
    best = min((measured(coarse, near) for near in fine), key=_cost)[1]
    return best if best.intrusion <= MAX_INTRUSION else None


def _cost(found: tuple[Any, ...]) -> float:
    return float(found[0])
