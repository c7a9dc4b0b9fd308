"""Rigid alignment of two surfaces by the iterative closest point method (ICP), from many initial poses at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from benchmarks.metrics.surface import Surface, Trimesh
from models.geometry import align_similarity

COARSE_POINTS, COARSE_ITERATIONS, COARSE_KEPT = 128, 10, 4  # points a surface; poses that are refined
FINE_POINTS, FINE_ITERATIONS = 1000, 400  # most converge within 60; some slide along a flat valley for long
CONVERGENCE = 1e-6  # of the true mesh's extent: iteration ends when no pose gains more


@dataclass(frozen=True)
class Alignments:
    """Poses that move the predicted surface onto the true one, best first, and the remaining distance of each."""

    true_T_pred: Float[np.ndarray, "start 4 4"]
    distance: Float[np.ndarray, "start"]  # root mean square over both directions, in the unit of the meshes


def align_icp(pred_mesh: Trimesh, true_mesh: Trimesh, seed: int = 0) -> Float[np.ndarray, "4 4"]:
    """Align a predicted mesh to the true one: find the rigid `true_T_pred` with the smallest distance over many starts.

    Pass it to `pred_mesh.apply_transform` to compare shapes without their pose. The scale stays.
    Source: specs/sam3d.md 4.1, for the 24 rotations and the choice by distance; the published procedure is unknown.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    best: Float[np.ndarray, "4 4"] = icp_alignments(pred_mesh, true_mesh, seed).true_T_pred[0]
    return best


def icp_alignments(pred_mesh: Trimesh, true_mesh: Trimesh, seed: int = 0) -> Alignments:
    """Run point-to-point ICP from 48 rotations, and refine the best of them.

    Initial poses align the centroids and apply the 24 rotations of a cube, in the axes of the meshes and between their
    principal axes; the identity rotation is always refined. An iteration pairs points of each surface with the nearest
    points on the triangles of the other and fits R, t by least squares. Both directions count, so that a part does not
    match a whole.
    Source: Besl and McKay, "A method for registration of 3-D shapes", PAMI 1992.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    surfaces = Surface(pred_mesh, "the predicted mesh"), Surface(true_mesh, "the true mesh")
    # independent samples: with equal ones, a mesh would match itself exactly
    generators = np.random.default_rng(seed).spawn(2)
    pred, true = (surface.sample(FINE_POINTS, rng) for surface, rng in zip(surfaces, generators, strict=True))
    poses, distance = _iterate(
        _initial_poses(pred, true), surfaces, pred[:COARSE_POINTS], true[:COARSE_POINTS], COARSE_ITERATIONS
    )
    poses = poses[np.unique([0, *np.argsort(distance)[:COARSE_KEPT]])]  # 0 is the identity rotation
    poses, distance = _iterate(poses, surfaces, pred, true, FINE_ITERATIONS)
    order = np.argsort(distance)
    return Alignments(poses[order], distance[order])


def _initial_poses(
    pred: Float[np.ndarray, "point 3"], true: Float[np.ndarray, "point 3"]
) -> Float[np.ndarray, "start 4 4"]:
    """Build the initial poses; the first has the identity rotation."""
    cube = Rotation.create_group("O").as_matrix()
    cube = cube[np.argsort(-np.trace(cube, axis1=1, axis2=2))]
    pred_axes, true_axes = (_principal_axes(points) for points in (pred, true))
    poses = np.tile(np.eye(4), (48, 1, 1))
    poses[:, :3, :3] = np.concatenate([cube, true_axes @ cube @ pred_axes.T])
    poses[:, :3, 3] = true.mean(0) - poses[:, :3, :3] @ pred.mean(0)
    return poses


def _principal_axes(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "3 3"]:
    """Compute the right-handed principal axes of points, as columns."""
    axes = np.linalg.eigh(np.cov(points.T))[1]
    return np.asarray(axes * np.sign(np.linalg.det(axes)))


def _iterate(
    poses: Float[np.ndarray, "start 4 4"],
    surfaces: tuple[Surface, Surface],
    pred: Float[np.ndarray, "point 3"],
    true: Float[np.ndarray, "point 3"],
    iterations: int,
) -> tuple[Float[np.ndarray, "start 4 4"], Float[np.ndarray, "start"]]:
    """Iterate poses until convergence, or `iterations` times; return them with their remaining distances."""
    pred_surface, true_surface = surfaces
    last, tolerance = np.full(len(poses), np.inf), CONVERGENCE * np.ptp(true, axis=0).max()
    for iteration in range(iterations + 1):
        rotation, shift = poses[:, :3, :3], poses[:, None, :3, 3]
        moved_pred, moved_true = pred @ rotation.swapaxes(1, 2) + shift, (true - shift) @ rotation
        nearest_true, nearest_pred = true_surface.nearest(moved_pred), pred_surface.nearest(moved_true)
        residual = np.concatenate([moved_pred - nearest_true, moved_true - nearest_pred], 1)
        distance = np.sqrt((residual**2).sum(-1).mean(1))
        if iteration == iterations or (last - distance <= tolerance).all():
            break
        last = distance
        source = np.concatenate([np.broadcast_to(pred, moved_pred.shape), nearest_pred], 1)
        target = np.concatenate([nearest_true, np.broadcast_to(true, moved_true.shape)], 1)
        poses = _rigid_fit(source, target)
    return poses, distance


def _rigid_fit(
    source: Float[np.ndarray, "start point 3"], target: Float[np.ndarray, "start point 3"]
) -> Float[np.ndarray, "start 4 4"]:
    """Fit target = R source + t by least squares; R is the rotation of the similarity (Umeyama), without its scale."""
    similarity, scale = align_similarity(torch.from_numpy(source), torch.from_numpy(target))
    poses = np.array(similarity)
    poses[:, :3, :3] /= scale.numpy()[:, None, None]
    poses[:, :3, 3] = target.mean(1) - (poses[:, :3, :3] @ source.mean(1)[..., None])[..., 0]
    return poses
