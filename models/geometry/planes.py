"""Planes that explain points: floors, walls, table tops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

PLANES = 6  # at most
PROPOSALS = 200  # planes drawn for each one that is kept
LEAST = 0.02  # share of the points that a plane explains, or it is none
COUNTED = 2000  # points by which planes are compared
FITTED = 20_000  # points to which one is fitted, at most


@dataclass(frozen=True)
class Plane:
    """A plane seen by a camera at the origin; normal . x + offset is the height of x on the camera's side of it."""

    normal: Float[np.ndarray, "3"]  # of length 1
    offset: float  # 0 or more: the height of the camera

    def height(self, xyz: Float[np.ndarray, "*_ 3"]) -> Float[np.ndarray, "*_"]:
        """Measure how far points are above it, on the side of the camera."""
        return np.asarray(xyz @ self.normal + self.offset)


def find_planes(xyz: Float[np.ndarray, "point 3"], gap: float, dice: np.random.Generator) -> list[Plane]:
    """Find planes, largest first (RANSAC); a camera point is part of one when it is within `gap` (metres)."""
    found: list[Plane] = []
    total, left = len(xyz), xyz
    while len(found) < PLANES and len(left) >= max(3, LEAST * total):
        few = left[dice.choice(len(left), min(len(left), COUNTED), replace=False)]
        a, b, c = few[dice.integers(len(few), size=(3, PROPOSALS))]
        normals = np.cross(b - a, c - a)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = normals / np.where(lengths > 0, lengths, 1)
        support = (np.abs(few @ normals.T - (a * normals).sum(1)) < gap).sum(0) * (lengths[:, 0] > 0)
        best = int(support.argmax())
        on_it: Bool[np.ndarray, "left"] = np.abs(left @ normals[best] - a[best] @ normals[best]) < gap
        if support[best] == 0 or on_it.sum() < max(3, LEAST * total):
            break
        centre = left[on_it].mean(0)
        some = left[on_it][:: -(-int(on_it.sum()) // FITTED)]
        normal = np.linalg.svd(some - centre, full_matrices=False)[2][2]
        normal = normal if normal @ centre <= 0 else -normal
        found.append(Plane(normal, -float(normal @ centre)))
        left = left[~(on_it | (np.abs(found[-1].height(left)) < gap))]
    return found
