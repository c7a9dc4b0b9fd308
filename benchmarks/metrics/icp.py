"""Rigid alignment of one surface to another by the iterative closest point method, from many starts at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from benchmarks.metrics.surface import Surface, Trimesh
from models.geometry import align_similarity

COARSE = (128, 10, 4)  # points a surface, iterations, starts that go on
FINE = (1000, 400)  # most settle within 60; some slide along a flat valley for long
SETTLED = 1e-6  # of the true mesh's extent; where no start gains more in an iteration, it ends


@dataclass(frozen=True)
class Alignments:
    """Poses that move the predicted surface onto the true one, best first, and what each leaves."""

    true_T_pred: Float[np.ndarray, "start 4 4"]
    distance: Float[np.ndarray, "start"]  # root mean square over both directions, in the unit of the meshes


def align_icp(pred_mesh: Trimesh, true_mesh: Trimesh, seed: int = 0) -> Float[np.ndarray, "4 4"]:
    """Align a predicted mesh to the true one: the rigid `true_T_pred` of least Chamfer distance over many starts.

    For `pred_mesh.apply_transform` before shapes are compared without their pose. Scale is not touched.
    Source: specs/sam3d.md 4.1: 24 rotations and the choice by distance are the spec's; the published way is not known.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    best: Float[np.ndarray, "4 4"] = icp_alignments(pred_mesh, true_mesh, seed).true_T_pred[0]
    return best


def icp_alignments(pred_mesh: Trimesh, true_mesh: Trimesh, seed: int = 0) -> Alignments:
    """Run point-to-point ICP from 48 rotations, and refine the best of them.

    Starts put the centroids of the surfaces together and turn by the 24 rotations of a cube, in the axes of the meshes
    and between their principal axes; the one that does not turn is always refined. An iteration takes both directions,
    points of each surface and the nearest points on the triangles of the other, so that a part cannot hide in a whole,
    and fits R, t by least squares.
    Source: Besl and McKay, "A method for registration of 3-D shapes", PAMI 1992.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    surfaces = Surface(pred_mesh, "the predicted mesh"), Surface(true_mesh, "the true mesh")
    # independent samples: the same ones of the same mesh would give the answer away
    streams = np.random.default_rng(seed).spawn(2)
    pred, true = (surface.sample(FINE[0], stream) for surface, stream in zip(surfaces, streams, strict=True))
    poses = _starts(pred, true)
    points, iterations, keep = COARSE
    poses, distance = _iterate(poses, surfaces, pred[:points], true[:points], iterations)
    poses = poses[np.unique([0, *np.argsort(distance)[:keep]])]  # 0 has the rotation as given
    poses, distance = _iterate(poses, surfaces, pred, true, FINE[1])
    order = np.argsort(distance)
    return Alignments(poses[order], distance[order])


def _starts(pred: Float[np.ndarray, "point 3"], true: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "start 4 4"]:
    """Build the poses to start from; the first does not turn."""
    cube = Rotation.create_group("O").as_matrix()
    cube = cube[np.argsort(-np.trace(cube, axis1=1, axis2=2))]
    pred_axes, true_axes = (_principal_axes(points) for points in (pred, true))
    poses = np.tile(np.eye(4), (48, 1, 1))
    poses[:, :3, :3] = np.concatenate([cube, true_axes @ cube @ pred_axes.T])
    poses[:, :3, 3] = true.mean(0) - poses[:, :3, :3] @ pred.mean(0)
    return poses


def _principal_axes(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "3 3"]:
    """Find the right-handed principal axes of points, as columns."""
    axes = np.linalg.eigh(np.cov(points.T))[1]
    return np.asarray(axes * np.sign(np.linalg.det(axes)))


def _iterate(
    poses: Float[np.ndarray, "start 4 4"],
    surfaces: tuple[Surface, Surface],
    pred: Float[np.ndarray, "point 3"],
    true: Float[np.ndarray, "point 3"],
    iterations: int,
) -> tuple[Float[np.ndarray, "start 4 4"], Float[np.ndarray, "start"]]:
    """Move poses to the nearest minimum of the squared distances, until none gains any more."""
    pred_surface, true_surface = surfaces
    last, enough = np.full(len(poses), np.inf), SETTLED * np.ptp(true, axis=0).max()
    for iteration in range(iterations + 1):
        rotation, shift = poses[:, :3, :3], poses[:, None, :3, 3]
        moved, back = pred @ rotation.swapaxes(1, 2) + shift, (true - shift) @ rotation
        on_true, on_pred = true_surface.nearest(moved), pred_surface.nearest(back)
        gaps = np.concatenate([moved - on_true, back - on_pred], 1)
        distance = np.sqrt((gaps**2).sum(-1).mean(1))
        if iteration == iterations or (last - distance <= enough).all():
            break
        last = distance
        source = np.concatenate([np.broadcast_to(pred, moved.shape), on_pred], 1)
        target = np.concatenate([on_true, np.broadcast_to(true, back.shape)], 1)
        poses = _rigid_fit(source, target)
    return poses, distance


def _rigid_fit(
    source: Float[np.ndarray, "start point 3"], target: Float[np.ndarray, "start point 3"]
) -> Float[np.ndarray, "start 4 4"]:
    """Fit target = R source + t by least squares; R is that of the similarity (Umeyama), whatever its scale."""
    similarity, scale = align_similarity(torch.from_numpy(source), torch.from_numpy(target))
    poses = np.array(similarity)
    poses[:, :3, :3] /= scale.numpy()[:, None, None]
    poses[:, :3, 3] = target.mean(1) - (poses[:, :3, :3] @ source.mean(1)[..., None])[..., 0]
    return poses
