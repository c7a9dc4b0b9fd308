"""Errors of an object's pose. Both meshes are in one frame (the camera's) and one unit; nothing is aligned."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from benchmarks.metrics.icp import Alignments, icp_alignments
from benchmarks.metrics.surface import SAMPLES, Surface, Trimesh, surface_distances

TIE_TOLERANCE = 1e-3  # of the diameter: alignments whose distances differ by less are equally good
ROWS_AT_ONCE = 1000  # of the distance matrix


def add_s(pred_mesh: Trimesh, true_mesh: Trimesh, samples: int = SAMPLES, seed: int = 0) -> float:
    """Compute ADD-S: (mean d(pred, true) + mean d(true, pred)) / (2 d), where d is the diameter of the true mesh.

    Distances are to triangles, not to points, so that a perfect pose scores 0. SAM 3D's ADD-S@0.1 is the share of
    objects below 0.1. The ADD-S of BOP measures one direction over model points and does not divide by d.
    Source: specs/sam3d.md 4.1.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    forth, back = surface_distances(pred_mesh, true_mesh, samples, seed)
    return float((forth.mean() + back.mean()) / 2) / diameter(true_mesh)


def rotation_error_icp(pred_mesh: Trimesh, true_mesh: Trimesh, seed: int = 0) -> float:
    """Measure ICP-Rot: the angle (degrees, 0 to 180) by which ICP rotates the predicted mesh onto the true one.

    ICP starts from many rotations, because a large error would converge to a near, wrong minimum from the given pose
    alone. Of all alignments within 0.001 diameters of the best, the smallest angle counts: a symmetric object has no
    error under its symmetry, and smaller details do not break a symmetry.
    Source: specs/sam3d.md 4.1; the initial poses and the choice are ours.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    return remaining_rotation_deg(icp_alignments(pred_mesh, true_mesh, seed), diameter(true_mesh))


def remaining_rotation_deg(alignments: Alignments, diameter: float) -> float:
    """Compute the smallest angle (degrees) of the alignments that tie with the best; see `rotation_error_icp`."""
    ties = alignments.distance <= alignments.distance[0] + TIE_TOLERANCE * diameter
    return float(np.degrees(Rotation.from_matrix(alignments.true_T_pred[ties, :3, :3]).magnitude().min()))


def diameter(mesh: Trimesh) -> float:
    """Measure the largest distance between two points of a mesh, in its unit.

    Raises:
        ValueError: the mesh is empty or not finite.
    """
    corners = np.unique(mesh.vertices[Surface(mesh).faces].reshape(-1, 3), axis=0)
    if np.linalg.matrix_rank(corners - corners.mean(0), tol=1e-6 * np.ptp(corners)) == 3:
        corners = corners[ConvexHull(corners).vertices]
    parts = np.array_split(corners, -(-len(corners) // ROWS_AT_ONCE))
    return float(max(cdist(part, corners).max() for part in parts))
