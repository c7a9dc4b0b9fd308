"""Plane detection in points: floors, walls, table tops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

MAX_PLANES = 6
PROPOSALS = 200  # random planes for each detected one
MIN_PLANE_SHARE = 0.02  # share of the points on a plane; smaller ones are not detected
MAX_COUNTED_POINTS = 2000  # points that score the random planes
MAX_FITTED_POINTS = 20_000  # points for the final fit of a plane


@dataclass(frozen=True)
class Plane:
    """A plane seen by a camera at the origin; normal . x + offset is the height of x on the camera's side of it."""

    normal: Float[np.ndarray, "3"]  # of length 1
    offset: float  # 0 or more: the height of the camera

    def height(self, xyz: Float[np.ndarray, "*_ 3"]) -> Float[np.ndarray, "*_"]:
        """Measure the height of points above the plane, positive on the side of the camera."""
        return np.asarray(xyz @ self.normal + self.offset)


def find_planes(xyz: Float[np.ndarray, "point 3"], gap: float, rng: np.random.Generator) -> list[Plane]:
    """Detect planes by RANSAC, largest first; a camera point within `gap` (metres) is part of a plane."""
    found: list[Plane] = []
    total, left = len(xyz), xyz
    while len(found) < MAX_PLANES and len(left) >= max(3, MIN_PLANE_SHARE * total):
        few = left[rng.choice(len(left), min(len(left), MAX_COUNTED_POINTS), replace=False)]
        a, b, c = few[rng.integers(len(few), size=(3, PROPOSALS))]
        normals = np.cross(b - a, c - a)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = normals / np.where(lengths > 0, lengths, 1)
        support = (np.abs(few @ normals.T - (a * normals).sum(1)) < gap).sum(0) * (lengths[:, 0] > 0)
        best = int(support.argmax())
        on_it: Bool[np.ndarray, "left"] = np.abs(left @ normals[best] - a[best] @ normals[best]) < gap
        if support[best] == 0 or on_it.sum() < max(3, MIN_PLANE_SHARE * total):
            break
        centre = left[on_it].mean(0)
        some = left[on_it][:: -(-int(on_it.sum()) // MAX_FITTED_POINTS)]
        normal = np.linalg.svd(some - centre, full_matrices=False)[2][2]
        normal = normal if normal @ centre <= 0 else -normal
        found.append(Plane(normal, -float(normal @ centre)))
        left = left[~(on_it | (np.abs(found[-1].height(left)) < gap))]
    return found
