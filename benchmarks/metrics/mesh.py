"""How near the surfaces of two meshes lie: F-score and Chamfer distance, from points to triangles.

Both surfaces are sampled (`samples` points each, seeded) and each point is measured against the triangles of the other
mesh, so that equal surfaces are at distance 0 whatever the count. What remains of sampling is the error of a mean over
`samples` points: about 0.003 of an F-score at 30,000. All surfaces count, also inner faces where parts of a composite
overlap: give the outer surface. Nothing is aligned here; for the protocol of SAM 3D, take `normalized` of both meshes,
then move the prediction by `benchmarks.metrics.icp.align_icp`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

from benchmarks.metrics.surface import SAMPLES, Surface, Trimesh, surface_distances


def f_score(pred_mesh: Trimesh, true_mesh: Trimesh, threshold: float, samples: int = SAMPLES, seed: int = 0) -> float:
    """Compute F1 at a distance: 2 P R / (P + R), 0 where both are 0.

    P (precision) is the share of the predicted surface within `threshold` of the true one, R (recall) the share of the
    true surface within it of the predicted one. The threshold has the unit of the meshes: SAM 3D's F1@0.01 belongs to
    meshes in [-1, 1].
    Source: Knapitsch et al., "Tanks and Temples" (2017), section 3.2; specs/sam3d.md 4.1.

    Raises:
        ValueError: a mesh is empty or not finite, or the threshold is not positive.
    """
    return f_score_of(*surface_distances(pred_mesh, true_mesh, samples, seed), threshold)


def f_score_of(
    forth: Float[np.ndarray, "pred_point"], back: Float[np.ndarray, "true_point"], threshold: float
) -> float:
    """Compute F1 from the distances of both directions, see `f_score`."""
    if not 0 < threshold < np.inf:
        raise ValueError(f"an F-score needs a positive, finite threshold in the unit of the meshes, got {threshold}")
    precision, recall = np.mean(forth <= threshold), np.mean(back <= threshold)
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def chamfer_distance(
    pred_mesh: Trimesh,
    true_mesh: Trimesh,
    convention: Literal["mean", "squared_sum"] = "mean",
    samples: int = SAMPLES,
    seed: int = 0,
) -> float:
    """Compute the Chamfer distance between two surfaces. Papers share the name, not the definition: state which.

    "mean" averages the distances of both directions, (mean d(pred, true) + mean d(true, pred)) / 2, in the unit of the
    meshes. "squared_sum" is mean d(pred, true)^2 + mean d(true, pred)^2, in its square: SAM 3D's, as transcribed.
    Source: specs/sam3d.md 4.1.

    Raises:
        ValueError: a mesh is empty or not finite, or the convention is unknown.
    """
    return chamfer_of(*surface_distances(pred_mesh, true_mesh, samples, seed), convention)


def chamfer_of(
    forth: Float[np.ndarray, "pred_point"],
    back: Float[np.ndarray, "true_point"],
    convention: Literal["mean", "squared_sum"] = "mean",
) -> float:
    """Compute the Chamfer distance from the distances of both directions, see `chamfer_distance`."""
    if convention not in ("mean", "squared_sum"):
        raise ValueError(f"convention={convention!r} is unknown: choose one of mean, squared_sum")
    if convention == "mean":
        return float((forth.mean() + back.mean()) / 2)
    return float((forth**2).mean() + (back**2).mean())


def normalized(mesh: Trimesh) -> Trimesh:
    """Centre the box of a copy on the origin, and scale its longest side to [-1, 1] (specs/sam3d.md 4.1).

    Raises:
        ValueError: the mesh is empty or not finite.
    """
    Surface(mesh)
    moved = mesh.copy()
    moved.apply_translation(-mesh.bounds.mean(0))
    moved.apply_scale(2 / mesh.extents.max())
    return moved
