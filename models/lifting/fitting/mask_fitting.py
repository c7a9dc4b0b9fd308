"""Lay a shape without depth on its mask: where it must be for its picture to be as large and where the mask is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from models.lifting.fitting.pose_fitting import Fit

STEPS = 20  # perspective makes the outline of a near shape depend on its place a little
NEAREST = 0.6  # of the cube's side: distance of its centre that keeps a shape before the camera


def lay_on_mask(
    vertices: Float[np.ndarray, "vertex 3"],
    fit: Fit,
    mask: Bool[np.ndarray, "height width"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Fit:
    """Move a shape so that the box around its projection has the middle and the diagonal of the mask's box.

    Rotation and scale stay: without depth nothing tells a near small object from a far large one.

    Args:
        vertices: of the shape, in its cube.
        fit: its initial place.
        mask: the visible pixels of the object, at least one.
        intrinsics: of the camera (pixels).
    """
    rows, cols = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    low, high = np.array([cols[0], rows[0]]), np.array([cols[-1] + 1, rows[-1] + 1])
    middle, diagonal = (low + high) / 2, float(np.linalg.norm(high - low))
    focal, centre = intrinsics.diagonal()[:2], intrinsics[:2, 2]
    ray = np.append((middle - centre) / focal, 1.0)
    pose = fit.cam_T_obj.copy()
    pose[:3, 3] = ray * max(float(pose[2, 3]), NEAREST * fit.scale)
    for _ in range(STEPS):
        xyz = replace(fit, cam_T_obj=pose).to_camera(vertices)
        pixels = xyz[:, :2] / xyz[:, 2:].clip(1e-3) * focal + centre
        below, above = pixels.min(0), pixels.max(0)
        depth = max(pose[2, 3] * float(np.linalg.norm(above - below)) / diagonal, NEAREST * fit.scale)
        aside = (middle - (below + above) / 2) / focal
        pose[:2, 3] = (pose[:2, 3] / pose[2, 3] + aside) * depth
        pose[2, 3] = depth
    return replace(fit, cam_T_obj=pose)
