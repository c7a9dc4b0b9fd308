"""A solid from a mask alone: without depth, what a person would guess of an object of unknown kind.

The mask is inflated on both sides of the plane through its object: half the thickness h solves the Poisson equation
laplace(h^2) = -4 inside of the outline with h = 0 on it. A disc becomes a ball, an ellipse an ellipsoid.
Source: inflation of silhouettes is due to Igarashi, Matsuoka and Tanaka (Teddy, SIGGRAPH 1999); this rule is ours.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float

from models.lifting.fitting.mask_fitting import lay_on_mask
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.fitting.samples import PosedSample
from models.lifting.meshes.mesh import extract_mesh

try:
    from scipy.ndimage import distance_transform_edt, map_coordinates
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import spsolve
except ImportError:
    spsolve = None

SIDE = 64  # voxels along the cube
FILLED = 0.9  # of the cube's side by the longer side of the mask
FINER = 4  # samples of the mask along a voxel
THINNEST, UNCOVERED = 0.25, 0.1  # voxels by which a tenth of the mask may lie outside; thin masks are thickened to it


def inflate_mask(
    mask: Bool[np.ndarray, "height width"], intrinsics: Float[np.ndarray, "3 3"], distance: int | float = 1.0
) -> PosedSample:
    """Inflate the mask of an object, which is placed at a distance from the camera; its size follows from it.

    The cube's y is along the ray through the middle of the mask, x to the right, z up in the picture.

    Args:
        mask: the visible pixels, at least one.
        intrinsics: of the camera (pixels).
        distance: from the camera to the middle, in any unit.

    Raises:
        ImportError: scipy or scikit-image is not installed.
        ValueError: the mask is too thin to have an inside.
    """
    if spsolve is None:
        raise ImportError("a mask is inflated with scipy: pip install 'region4d[geom]'")
    axes, middle, side = _plane(mask, intrinsics)
    steps = ((np.arange(SIDE * FINER) + 0.5) / (SIDE * FINER) - 0.5) * side
    right, up = np.meshgrid(steps, steps, indexing="ij")
    xyz = middle + right[..., None] * axes[:, 0] + up[..., None] * axes[:, 2]
    pixels = xyz[..., :2] / xyz[..., 2:].clip(1e-6) * intrinsics.diagonal()[:2] + intrinsics[:2, 2] - 0.5
    inside = map_coordinates(mask.astype(np.float32), pixels[..., ::-1].transpose(2, 0, 1), order=1) > 0.5
    beyond = (distance_transform_edt(inside) - distance_transform_edt(~inside)) / FINER  # voxels, positive inside
    outline = beyond.reshape(SIDE, FINER, SIDE, FINER).mean((1, 3))
    covered = outline.repeat(FINER, 0).repeat(FINER, 1)[inside]
    outline = outline + max(0.0, THINNEST - float(np.quantile(covered, UNCOVERED))) if len(covered) else outline
    height = half_thickness(outline > 0)
    off = np.abs(np.arange(SIDE) + 0.5 - SIDE / 2)
    field = np.minimum(height[:, None, :] - off[None, :, None], outline[:, None, :]).clip(-3, 3)
    if not (field > 0).any():
        raise ValueError(
            "the mask is too thin to be inflated; mark all pixels of the object, give depth, or take --shape network"
        )
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes, middle * distance
    fit = Fit(pose, side * distance)
    mesh = extract_mesh(torch.from_numpy(field))
    laid = lay_on_mask(mesh.vertices.double().numpy(), fit, mask, intrinsics)
    back = distance / float(np.linalg.norm(laid.cam_T_obj[:3, 3]))  # the picture stays as it is
    pose = laid.cam_T_obj.copy()
    pose[:3, 3] *= back
    return PosedSample(mesh, replace(laid, cam_T_obj=pose, scale=laid.scale * back))


def half_thickness(inside: Bool[np.ndarray, "x z"]) -> Float[np.ndarray, "x z"]:
    """Solve laplace(h^2) = -4 for h (cells) inside of a shape, h = 0 outside."""
    number = np.full(np.add(inside.shape, 2), -1)
    number[1:-1, 1:-1][inside] = np.arange(inside.sum())
    here = number[1:-1, 1:-1]
    found = np.zeros(inside.shape)
    if not inside.any():
        return found
    matrix = diags_array(np.full(int(inside.sum()), 4.0))
    for beside in (number[:-2, 1:-1], number[2:, 1:-1], number[1:-1, :-2], number[1:-1, 2:]):
        both = inside & (beside >= 0)
        matrix = matrix - coo_array((np.ones(int(both.sum())), (here[both], beside[both])), matrix.shape)
    found[inside] = np.sqrt(spsolve(matrix.tocsc(), np.full(int(inside.sum()), 4.0)))
    return found


def _plane(
    mask: Bool[np.ndarray, "height width"], intrinsics: Float[np.ndarray, "3 3"]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"], float]:
    """Build the axes of the cube, its middle at a distance of 1, and its side there."""
    rows, cols = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    low, high = np.array([cols[0], rows[0]]), np.array([cols[-1] + 1, rows[-1] + 1])
    slopes = (np.stack([(low + high) / 2, low, high]) - intrinsics[:2, 2]) / intrinsics.diagonal()[:2]
    rays = np.append(slopes, np.ones((3, 1)), 1)
    back = rays[0] / np.linalg.norm(rays[0])
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    axes = np.stack([right, back, np.cross(right, back)], 1)
    corners = rays[1:] / (rays[1:] @ back)[:, None] @ axes
    longest = float(np.abs(np.diff(corners[:, [0, 2]], axis=0)).max())
    return axes, back, longest / FILLED
