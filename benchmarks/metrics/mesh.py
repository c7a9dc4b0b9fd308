"""F-score and Chamfer distance between the surfaces of two meshes, from points to triangles.

Both surfaces are sampled (`samples` points each, seeded), and each point is compared with the triangles of the other
mesh, so that equal surfaces have distance 0 for any number of points. The sampling error of an F-score is about 0.003
at 30,000 points. All faces count, including inner ones where parts of a composite overlap: pass the outer surface.
Nothing is aligned here. For the protocol of SAM 3D, apply `normalized` to both meshes, then move the prediction by
`benchmarks.metrics.icp.align_icp`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

from benchmarks.metrics.surface import SAMPLES, Surface, Trimesh, surface_distances


def f_score(pred_mesh: Trimesh, true_mesh: Trimesh, threshold: float, samples: int = SAMPLES, seed: int = 0) -> float:
    """Compute F1 at a distance threshold: 2 P R / (P + R), 0 where both are 0.

    P (precision) is the share of the predicted surface within `threshold` of the true one, R (recall) the share of the
    true surface within it of the predicted one. The threshold has the unit of the meshes; SAM 3D's F1@0.01 is for
    meshes in [-1, 1].
    Source: Knapitsch et al., "Tanks and Temples" (2017), section 3.2; specs/sam3d.md 4.1.

    Raises:
        ValueError: a mesh is empty or not finite, or the threshold is not positive.
    """
    return f_score_of(*surface_distances(pred_mesh, true_mesh, samples, seed), threshold)


def f_score_of(
    pred_to_true: Float[np.ndarray, "pred_point"], true_to_pred: Float[np.ndarray, "true_point"], threshold: float
) -> float:
    """Compute F1 from the distances of both directions; see `f_score`."""
    if not 0 < threshold < np.inf:
        raise ValueError(f"an F-score needs a positive, finite threshold in the unit of the meshes, got {threshold}")
    precision, recall = np.mean(pred_to_true <= threshold), np.mean(true_to_pred <= threshold)
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def chamfer_distance(
    pred_mesh: Trimesh,
    true_mesh: Trimesh,
    convention: Literal["mean", "squared_sum"] = "mean",
    samples: int = SAMPLES,
    seed: int = 0,
) -> float:
    """Compute the Chamfer distance between two surfaces; papers differ in its definition, so state the convention.

    "mean" averages the distances of both directions, (mean d(pred, true) + mean d(true, pred)) / 2, in the unit of the
    meshes. "squared_sum" is mean d(pred, true)^2 + mean d(true, pred)^2, in the squared unit: SAM 3D's, as transcribed.
    Source: specs/sam3d.md 4.1.

    Raises:
        ValueError: a mesh is empty or not finite, or the convention is unknown.
    """
    return chamfer_of(*surface_distances(pred_mesh, true_mesh, samples, seed), convention)


def chamfer_of(
    pred_to_true: Float[np.ndarray, "pred_point"],
    true_to_pred: Float[np.ndarray, "true_point"],
    convention: Literal["mean", "squared_sum"] = "mean",
) -> float:
    """Compute the Chamfer distance from the distances of both directions; see `chamfer_distance`."""
    if convention not in ("mean", "squared_sum"):
        raise ValueError(f"convention={convention!r} is unknown: choose one of mean, squared_sum")
    if convention == "mean":
        return float((pred_to_true.mean() + true_to_pred.mean()) / 2)
    return float((pred_to_true**2).mean() + (true_to_pred**2).mean())


def normalized(mesh: Trimesh) -> Trimesh:
    """Copy a mesh, centre its box on the origin, and scale its longest side to [-1, 1] (specs/sam3d.md 4.1).

    Raises:
        ValueError: the mesh is empty or not finite.
    """
    Surface(mesh)
    moved = mesh.copy()
    moved.apply_translation(-mesh.bounds.mean(0))
    moved.apply_scale(2 / mesh.extents.max())
    return moved
