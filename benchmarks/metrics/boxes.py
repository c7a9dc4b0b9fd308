"""Overlap of oriented boxes in 3D, exact."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull, QhullError

PLANE_TRIPLES = np.array(list(combinations(range(12), 3)))  # of the 12 planes that bound two boxes
PLANE_TOLERANCE = 1e-9  # in sides of the true box: rounding may put a corner this far outside its own plane
MIN_DETERMINANT = 1e-12  # three unit normals with a smaller one do not fix a point


def box_iou_3d(
    frame_T_pred: Float[np.ndarray, "4 4"],
    pred_size: Float[np.ndarray, "3"],
    frame_T_true: Float[np.ndarray, "4 4"],
    true_size: Float[np.ndarray, "3"],
) -> float:
    """Compute intersection over union of the volumes of two oriented boxes, centred at the origins of their frames.

    Sizes are full extents, in the unit of the translations. The corners of the intersection are the points where three
    of the twelve bounding planes meet and that no plane cuts off. SAM 3D's published 3D IoU takes axis-aligned boxes:
    `mesh.bounding_box.primitive` of a posed mesh gives their `transform` and `extents`.
    Source: specs/sam3d.md 4.1; the orientation is ours.

    Raises:
        ValueError: a size is not positive and finite, or a pose is not rigid.
    """
    boxes = (("predicted", frame_T_pred, pred_size), ("true", frame_T_true, true_size))
    for name, pose, size in boxes:
        _check_box(name, pose, size)
    # scaled so that the true box is the unit cube: an affine map preserves volume ratios, and thin boxes then lose no
    # precision
    (pred_rotation, pred_centre), (true_rotation, true_centre) = (
        (pose[:3, :3].astype(np.float64), pose[:3, 3].astype(np.float64)) for _, pose, _ in boxes
    )
    centre = true_rotation.T @ (pred_centre - true_centre) / true_size
    sides = true_rotation.T @ pred_rotation * pred_size / true_size[:, None]  # columns: sides of the predicted box
    pred_planes, pred_reach = np.linalg.inv(sides), np.full(3, 0.5)
    length = np.linalg.norm(pred_planes, axis=1)
    pred_planes, pred_reach = pred_planes / length[:, None], pred_reach / length
    normals = np.concatenate([np.eye(3), -np.eye(3), pred_planes, -pred_planes])
    along = pred_planes @ centre
    offsets = np.concatenate([np.full(6, 0.5), pred_reach + along, pred_reach - along])
    shared = _polytope_volume(normals, offsets)
    pred_volume = float(abs(np.linalg.det(sides)))
    return min(1.0, shared / (1 + pred_volume - shared))


def _polytope_volume(normals: Float[np.ndarray, "plane 3"], offsets: Float[np.ndarray, "plane"]) -> float:
    """Measure the volume of {x: normal . x <= offset for all planes}; 0 if it is empty or flat."""
    planes, reach = normals[PLANE_TRIPLES], offsets[PLANE_TRIPLES]
    intersect = np.abs(np.linalg.det(planes)) > MIN_DETERMINANT
    corners = np.linalg.solve(planes[intersect], reach[intersect][..., None])[..., 0]
    corners = corners[(corners @ normals.T <= offsets + PLANE_TOLERANCE).all(-1)]
    if len(corners) < 4:
        return 0.0
    try:
        return float(ConvexHull(corners).volume)
    except QhullError:  # all corners in one plane: the boxes touch
        return 0.0


def _check_box(name: str, pose: Float[np.ndarray, "4 4"], size: Float[np.ndarray, "3"]) -> None:
    """Raise ValueError if the size is not positive and finite, or the pose is not rigid."""
    if not (np.isfinite(size).all() and (size > 0).all()):
        raise ValueError(f"the {name} box needs three positive, finite sizes, got {size.tolist()}")
    rotation = pose[:3, :3].astype(np.float64)
    if not np.isfinite(pose).all() or np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-4:
        raise ValueError(f"the {name} box needs a rigid pose, without scale; got {pose.tolist()}")
