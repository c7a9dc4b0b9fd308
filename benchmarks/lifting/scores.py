"""Scores of one lifted object against its truth, in shape and in layout.

For shape, each mesh is centred and scaled to [-1, 1] in its own axes (specs/sam3d.md 4.1). Meshes are compared with the
predicted rotation relative to the true one, so that a wrong rotation lowers the score; and after ICP as published,
which removes it. ICP takes a second, so it is run on a part of the items.
Layout is compared in the camera frame without any alignment. Of an object whose place is not known, shape after ICP is
all that is compared; of one that is known by its box alone, the overlap of boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from benchmarks.comparison.metric import Metric
from benchmarks.lifting.truth import EMD_POINTS, Truth, in_camera
from benchmarks.metrics.boxes import box_iou_3d
from benchmarks.metrics.earth_mover import assignment_distance, earth_mover_floor
from benchmarks.metrics.icp import icp_alignments
from benchmarks.metrics.mesh import chamfer_of, f_score_of, normalized
from benchmarks.metrics.object_pose import remaining_rotation_deg
from benchmarks.metrics.surface import Surface, Trimesh
from benchmarks.metrics.voxels import overlap, solid_voxels, surface_voxels
from benchmarks.records.record import Fact

SAMPLES = 4000  # points a surface, compared with triangles: an F-score of one item is within 0.01, a mean far closer
THRESHOLDS = (0.01, 0.02, 0.05)
ICP_EMD_POINTS = 1024  # samples for the earth mover's distance after ICP, which is beside a published one
CAMERA_THRESHOLD = 0.05  # of the largest side of the true object
CAMERA_VOXELS = 64  # along the largest side of the true object
MAX_CAMERA_VOXELS = 256  # along that of a prediction that is larger
MIN_SIDE = 1e-4  # shortest side of a box over its longest, so that a flat prediction has a volume


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
IN_CAMERA = (  # nothing aligned or scaled: surface and axis-aligned box where the camera sees them
    Metric("camera_f1_0.05", "F1@5 %, camera", True),
    Metric("box_iou_aligned", "3D IoU, aligned boxes", True),
    Metric("camera_solid_iou", "solid IoU, camera", True),
)
AFTER_ICP = (
    Metric("icp_f1_0.01", "F1@.01, ICP", True),
    Metric("icp_f1_0.02", "F1@.02, ICP", True),
    Metric("icp_f1_0.05", "F1@.05, ICP", True),
    Metric("icp_chamfer", "Chamfer, ICP", False, 4),
    Metric("icp_chamfer_squared", "Chamfer, squared, ICP", False, 4),
    Metric("icp_solid_iou", "solid vIoU, ICP", True),
    Metric("icp_surface_iou", "surface vIoU, ICP", True),
    Metric("icp_emd", "EMD, ICP", False),
    Metric("icp_rotation_deg", "ICP-Rot, degrees", False, 1),
)
TRUE_AXES = (Metric("box_iou_true_axes", "3D IoU, true axes", True),)  # known of a box alone, too
METRICS = {metric.key: metric for metric in (*SHAPE, *LAYOUT, *IN_CAMERA, *AFTER_ICP, *TRUE_AXES)}


@dataclass(frozen=True)
class Prediction:
    """A mesh in its own frame with its pose: a vertex v is at R (scale * v) + t of the camera, in metres.

    `facts` is what the method says of its prediction, such as its confidence.
    """

    mesh: Trimesh
    cam_T_obj: Float[np.ndarray, "4 4"]
    scale: float
    facts: Mapping[str, Fact] = field(default_factory=dict)


def score(prediction: Prediction, truth: Truth, icp: bool = False) -> dict[str, float]:
    """Score one prediction by every metric of SHAPE and LAYOUT, and of AFTER_ICP if `icp` is set.

    Without solid IoU where the truth is not watertight. Where its place is not known, AFTER_ICP alone, without
    "icp_rotation_deg"; where it is a box alone, "box_iou" and TRUE_AXES alone.

    Further keys: "emd_floor" and "icp_emd_floor", the distance between two samplings of the truth; "canonical_chamfer",
    each mesh in its own axes without any rotation (meaningful for models, which learn the axes of families); and
    "pieces", the share of the surface in its largest connected part, which needs no truth.

    Raises:
        ValueError: the mesh is empty, not finite or not closed.
    """
    if truth.box_alone:
        return box_scores(prediction, truth)
    rotation = truth.cam_T_obj[:3, :3].T @ prediction.cam_T_obj[:3, :3] if truth.placed else np.eye(3)
    rotated = normalized(prediction.mesh)
    rotated.vertices = rotated.vertices @ rotation.T
    scores = {"pieces": largest_piece(prediction.mesh)}
    if truth.placed:
        scores |= rotated_scores(rotated, truth, rotation)
        scores |= layout_scores(prediction, truth)
    if icp:
        scores |= icp_scores(rotated, truth)
    return scores


def rotated_scores(rotated: Trimesh, truth: Truth, true_R_pred: Float[np.ndarray, "3 3"]) -> dict[str, float]:
    """Score the shape of a normalised prediction, turned by its predicted rotation relative to the true one."""
    pred, true = Surface(rotated, "the predicted mesh"), truth.normalized
    of_pred, of_true = _samples(pred, true)
    scores = shape_scores(true.distance(of_pred), pred.distance(of_true)) | voxel_scores(rotated, truth)
    scores["emd"] = assignment_distance(of_pred[:EMD_POINTS], of_true[:EMD_POINTS])
    scores["emd_floor"] = truth.floor
    turned_back, turned = of_pred @ true_R_pred, of_true @ true_R_pred.T  # row vectors
    scores["canonical_chamfer"] = chamfer_of(true.distance(turned_back), pred.distance(turned))
    return scores


def icp_scores(rotated: Trimesh, truth: Truth) -> dict[str, float]:
    """Score the shape of a normalised prediction after ICP, as published (specs/sam3d.md 4.1)."""
    true = truth.normalized
    alignments = icp_alignments(rotated, true.mesh)
    aligned = rotated.copy()
    aligned.apply_transform(alignments.true_T_pred[0])
    pred = Surface(aligned, "the predicted mesh")
    of_pred, of_true = _samples(pred, true)
    scores = shape_scores(true.distance(of_pred), pred.distance(of_true)) | voxel_scores(aligned, truth)
    scores["emd"] = assignment_distance(of_pred[:ICP_EMD_POINTS], of_true[:ICP_EMD_POINTS])
    scores["emd_floor"] = earth_mover_floor(true.mesh, ICP_EMD_POINTS)
    if truth.placed:
        diameter = truth.diameter * 2 / float(truth.mesh.extents.max())
        scores["rotation_deg"] = remaining_rotation_deg(alignments, diameter)
    return {f"icp_{key}": value for key, value in scores.items()}


def voxel_scores(mesh: Trimesh, truth: Truth) -> dict[str, float]:
    """Compare the voxels of a normalised mesh with the true ones: solid ones only where the truth is watertight."""
    solid = {"solid_iou": overlap(solid_voxels(mesh), truth.solid)} if truth.watertight else {}
    return solid | {"surface_iou": overlap(surface_voxels(mesh), truth.shell)}


def box_scores(prediction: Prediction, truth: Truth) -> dict[str, float]:
    """Compare the box of a prediction with the true one, each along its own axes, and both along the true ones.

    The latter ("box_iou_true_axes") needs no mesh of the true object: its box along its own axes is exact.
    """
    boxed = box_of(truth.mesh, truth.cam_T_obj, truth.scale)
    own = box_of(prediction.mesh, prediction.cam_T_obj, prediction.scale)
    rigid = np.linalg.inv(truth.cam_T_obj) @ prediction.cam_T_obj
    in_true_axes = box_of(in_camera(prediction.mesh, rigid, prediction.scale), truth.cam_T_obj, 1.0)
    return {"box_iou": box_iou_3d(*own, *boxed), "box_iou_true_axes": box_iou_3d(*in_true_axes, *boxed)}


def _samples(
    pred: Surface, true: Surface
) -> tuple[Float[np.ndarray, "pred_point 3"], Float[np.ndarray, "true_point 3"]]:
    generators = np.random.default_rng(0).spawn(2)
    return pred.sample(SAMPLES, generators[0]), true.sample(SAMPLES, generators[1])


def shape_scores(
    pred_to_true: Float[np.ndarray, "pred_point"], true_to_pred: Float[np.ndarray, "true_point"]
) -> dict[str, float]:
    """Summarise the distances between two surfaces, of points of each to the other."""
    scores = {f"f1_{threshold}": f_score_of(pred_to_true, true_to_pred, threshold) for threshold in THRESHOLDS}
    scores["chamfer"] = chamfer_of(pred_to_true, true_to_pred)
    scores["chamfer_squared"] = chamfer_of(pred_to_true, true_to_pred, "squared_sum")
    return scores


def layout_scores(prediction: Prediction, truth: Truth) -> dict[str, float]:
    """Score the layout of a prediction in the camera frame.

    The oriented box of a mesh lies along its own axes. ADD-S is the Chamfer distance ("mean") over the true diameter.
    The threshold of "camera_f1_0.05" is 5 % of the largest side of the true object.
    """
    pred = Surface(in_camera(prediction.mesh, prediction.cam_T_obj, prediction.scale), "the predicted mesh")
    true = truth.in_camera
    of_pred, of_true = _samples(pred, true)
    pred_to_true, true_to_pred = true.distance(of_pred), pred.distance(of_true)
    add_s = chamfer_of(pred_to_true, true_to_pred) / (truth.diameter * truth.scale)
    near = CAMERA_THRESHOLD * float(truth.mesh.extents.max()) * truth.scale
    aligned = box_of(pred.mesh, np.eye(4), 1.0)
    scores = {
        **box_scores(prediction, truth),
        "box_iou_aligned": box_iou_3d(*aligned, *box_of(true.mesh, np.eye(4), 1.0)),
        "camera_f1_0.05": f_score_of(pred_to_true, true_to_pred, near),
        "add_s": add_s,
        "add_s_0.1": float(add_s < 0.1),
    }
    if truth.watertight:
        side = float(true.mesh.extents.max()) / CAMERA_VOXELS
        side = max(side, float(pred.mesh.extents.max()) / MAX_CAMERA_VOXELS)
        scores["camera_solid_iou"] = overlap(solid_voxels(pred.mesh, side), solid_voxels(true.mesh, side))
    return scores


def box_of(
    mesh: Trimesh, cam_T_obj: Float[np.ndarray, "4 4"], scale: float
) -> tuple[Float[np.ndarray, "4 4"], Float[np.ndarray, "3"]]:
    """Compute the pose `cam_T_box` and the sides (metres) of the box of a mesh along its own axes."""
    pose = cam_T_obj.astype(np.float64)
    pose[:3, 3] += pose[:3, :3] @ (scale * mesh.bounds.mean(0))
    extents = np.maximum(mesh.extents, MIN_SIDE * mesh.extents.max())
    return pose, scale * extents


def largest_piece(mesh: Trimesh) -> float:
    """Measure the share of a mesh's area in its largest connected part."""
    edges = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    links = coo_matrix((np.ones(len(edges), bool), edges.T), (len(mesh.vertices),) * 2)
    part = connected_components(links, directed=False)[1][mesh.faces[:, 0]]
    areas = np.bincount(part, mesh.area_faces)
    return float(areas.max() / areas.sum())
