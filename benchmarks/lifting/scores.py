"""Lift-Worlds: scores of one lifted object against its truth, in shape and in layout.

Shape is compared between meshes that are each centred and scaled to [-1, 1] in their own axes (specs/sam3d.md 4.1):
once with the predicted rotation, as it is relative to the true one ("turned"), and, on a part of the items because it
costs a second, after ICP as published ("icp"). Turned scores charge a wrong rotation, ICP's do not.
Layout is compared in the camera frame, and nothing is aligned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from benchmarks.comparison.metric import Metric
from benchmarks.lifting.truth import EARTH, Truth, in_camera
from benchmarks.metrics.boxes import box_iou_3d
from benchmarks.metrics.earth_mover import assignment_distance
from benchmarks.metrics.icp import icp_alignments
from benchmarks.metrics.mesh import chamfer_of, f_score_of, normalized
from benchmarks.metrics.object_pose import rotation_left
from benchmarks.metrics.surface import Surface, Trimesh
from benchmarks.metrics.voxels import overlap, solid_voxels, surface_voxels

SAMPLES = 4000  # points a surface, against triangles: an F-score of one item is known to 0.01, a mean to far less
THRESHOLDS = (0.01, 0.02, 0.05)
THIN = 1e-4  # of the largest side: the least side of a box, so that a flat prediction has one


SHAPE = (
    Metric("f1_0.01", "F1@.01", True),
    Metric("f1_0.02", "F1@.02", True),
    Metric("f1_0.05", "F1@.05", True),
    Metric("chamfer", "Chamfer", False, 4),
    Metric("chamfer_squared", "Chamfer, squared", False, 4),
    Metric("solid_iou", "solid vIoU", True),
    Metric("surface_iou", "surface vIoU", True),
    Metric("emd", "EMD", False),
)
LAYOUT = (
    Metric("box_iou", "3D IoU", True),
    Metric("box_iou_aligned", "3D IoU, aligned boxes", True),
    Metric("add_s", "ADD-S", False),
    Metric("add_s_0.1", "ADD-S@.1", True),
)
AFTER_ICP = (
    Metric("icp_f1_0.01", "F1@.01, ICP", True),
    Metric("icp_f1_0.02", "F1@.02, ICP", True),
    Metric("icp_f1_0.05", "F1@.05, ICP", True),
    Metric("icp_chamfer", "Chamfer, ICP", False, 4),
    Metric("icp_chamfer_squared", "Chamfer, squared, ICP", False, 4),
    Metric("icp_rotation_deg", "ICP-Rot, degrees", False, 1),
)
METRICS = {metric.key: metric for metric in (*SHAPE, *LAYOUT, *AFTER_ICP)}


@dataclass(frozen=True)
class Prediction:
    """A mesh in a frame of its own, and where it stands: a vertex v is at R (scale * v) + t of the camera, metres."""

    mesh: Trimesh
    cam_T_obj: Float[np.ndarray, "4 4"]
    scale: float


def score(prediction: Prediction, truth: Truth, icp: bool = False) -> dict[str, float]:
    """Score one prediction by every metric of SHAPE and LAYOUT, and of AFTER_ICP where `icp` asks for it.

    Further keys: "emd_floor" (the distance of two samplings of the truth), "canonical_chamfer" (each mesh in its own
    axes, no rotation at all: says something of models, which know the axes of families), "pieces" (share of the surface
    in the largest connected part: no truth needed).

    Raises:
        ValueError: the mesh is empty, not finite or not closed.
    """
    unit = normalized(prediction.mesh)
    turned = unit.copy()
    turn = np.eye(4)
    turn[:3, :3] = truth.cam_T_obj[:3, :3].T @ prediction.cam_T_obj[:3, :3]
    turned.apply_transform(turn)
    streams = np.random.default_rng(0).spawn(2)
    pred, true = Surface(turned, "the predicted mesh"), truth.normalized
    of_pred, of_true = (one.sample(SAMPLES, stream) for one, stream in zip((pred, true), streams, strict=True))
    found = shape_scores(true.distance(of_pred), pred.distance(of_true))
    found["solid_iou"] = overlap(solid_voxels(turned), truth.solid)
    found["surface_iou"] = overlap(surface_voxels(turned), truth.shell)
    found["emd"] = assignment_distance(of_pred[:EARTH], of_true[:EARTH])
    found["emd_floor"] = truth.floor
    back = turn[:3, :3]  # row vectors times it undo the turn
    found["canonical_chamfer"] = chamfer_of(true.distance(of_pred @ back), pred.distance(of_true @ back.T))
    found["pieces"] = largest_piece(prediction.mesh)
    found |= layout_scores(prediction, truth)
    if icp:
        alignments = icp_alignments(turned, true.mesh)
        pose = alignments.true_T_pred[0]
        moved, there = of_pred @ pose[:3, :3].T + pose[:3, 3], (of_true - pose[:3, 3]) @ pose[:3, :3]
        after = shape_scores(true.distance(moved), pred.distance(there))
        found |= {f"icp_{key}": value for key, value in after.items()}
        found["icp_rotation_deg"] = rotation_left(alignments, truth.diameter * 2 / float(truth.mesh.extents.max()))
    return found


def shape_scores(forth: Float[np.ndarray, "pred_point"], back: Float[np.ndarray, "true_point"]) -> dict[str, float]:
    """Summarise the distances between two surfaces."""
    scores = {f"f1_{threshold}": f_score_of(forth, back, threshold) for threshold in THRESHOLDS}
    scores["chamfer"] = chamfer_of(forth, back)
    scores["chamfer_squared"] = chamfer_of(forth, back, "squared_sum")
    return scores


def layout_scores(prediction: Prediction, truth: Truth) -> dict[str, float]:
    """Score where a prediction stands in the camera frame.

    The oriented box of a mesh is that of its own axes. ADD-S is the Chamfer distance ("mean") by the true diameter.
    """
    pred = Surface(in_camera(prediction.mesh, prediction.cam_T_obj, prediction.scale), "the predicted mesh")
    true = truth.in_camera
    streams = np.random.default_rng(0).spawn(2)
    of_pred, of_true = (one.sample(SAMPLES, stream) for one, stream in zip((pred, true), streams, strict=True))
    add_s = chamfer_of(true.distance(of_pred), pred.distance(of_true)) / (truth.diameter * truth.scale)
    own = box_of(prediction.mesh, prediction.cam_T_obj, prediction.scale)
    aligned = box_of(pred.mesh, np.eye(4), 1.0)
    return {
        "box_iou": box_iou_3d(*own, *box_of(truth.mesh, truth.cam_T_obj, truth.scale)),
        "box_iou_aligned": box_iou_3d(*aligned, *box_of(true.mesh, np.eye(4), 1.0)),
        "add_s": add_s,
        "add_s_0.1": float(add_s < 0.1),
    }


def box_of(
    mesh: Trimesh, cam_T_obj: Float[np.ndarray, "4 4"], scale: float
) -> tuple[Float[np.ndarray, "4 4"], Float[np.ndarray, "3"]]:
    """Pose the box of a mesh along its own axes: centre and rotation, and its sides in metres."""
    pose = cam_T_obj.astype(np.float64)
    pose[:3, 3] += pose[:3, :3] @ (scale * mesh.bounds.mean(0))
    extents = np.maximum(mesh.extents, THIN * mesh.extents.max())
    return pose, scale * extents


def largest_piece(mesh: Trimesh) -> float:
    """Measure the share of the area of a mesh that is in its largest connected part."""
    edges = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    links = coo_matrix((np.ones(len(edges), bool), edges.T), (len(mesh.vertices),) * 2)
    part = connected_components(links, directed=False)[1][mesh.faces[:, 0]]
    areas = np.bincount(part, mesh.area_faces)
    return float(areas.max() / areas.sum())
