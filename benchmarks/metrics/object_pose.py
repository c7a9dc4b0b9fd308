"""How well an object is placed: both meshes stand in one frame (the camera's), in one unit, and nothing is aligned."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from benchmarks.metrics.icp import Alignments, icp_alignments
from benchmarks.metrics.surface import SAMPLES, Surface, Trimesh, surface_distances

EQUAL = 1e-3  # of the diameter; alignments whose distances differ by less are equally good
ROWS = 1000  # of the table of distances that is held at once


def add_s(pred_mesh: Trimesh, true_mesh: Trimesh, samples: int = SAMPLES, seed: int = 0) -> float:
    """Compute ADD-S: (mean d(pred, true) + mean d(true, pred)) / (2 d), d the diameter of the true mesh.

    Distances are to triangles, not to points, so that a perfect pose scores 0. SAM 3D's ADD-S@0.1 is the share of
    objects below 0.1. The ADD-S of BOP takes one direction, over model points, and does not divide.
    Source: specs/sam3d.md 4.1.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    forth, back = surface_distances(pred_mesh, true_mesh, samples, seed)
    return float((forth.mean() + back.mean()) / 2) / diameter(true_mesh)


def rotation_error_icp(pred_mesh: Trimesh, true_mesh: Trimesh, seed: int = 0) -> float:
    """Measure the angle, degrees, by which ICP must still turn the predicted mesh: ICP-Rot, 0 to 180.

    ICP starts from many rotations, because from the given one alone large errors end in a near, wrong minimum. Of the
    alignments within 0.001 of a diameter of the best one the smallest angle counts: a symmetric object has no error
    under its symmetry, and details smaller than that do not break a symmetry.
    Source: specs/sam3d.md 4.1; the starts and the choice are ours.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    return rotation_left(icp_alignments(pred_mesh, true_mesh, seed), diameter(true_mesh))


def rotation_left(found: Alignments, diameter: float) -> float:
    """Measure the smallest angle, degrees, of the alignments that are as good as the best, see `rotation_error_icp`."""
    good = found.distance <= found.distance[0] + EQUAL * diameter
    return float(np.degrees(Rotation.from_matrix(found.true_T_pred[good, :3, :3]).magnitude().min()))


def diameter(mesh: Trimesh) -> float:
    """Measure the largest distance between two points of a mesh.

    Raises:
        ValueError: the mesh is empty or not finite.
    """
    corners = np.unique(mesh.vertices[Surface(mesh).faces].reshape(-1, 3), axis=0)
    if np.linalg.matrix_rank(corners - corners.mean(0), tol=1e-6 * np.ptp(corners)) == 3:
        corners = corners[ConvexHull(corners).vertices]
    rows = np.array_split(corners, -(-len(corners) // ROWS))
    return float(max(cdist(some, corners).max() for some in rows))
