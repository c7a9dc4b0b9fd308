"""Baselines of Lift-Worlds without a network. They all see the exact visible points, as the best arms do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation
from trimesh import Trimesh
from trimesh.bounds import oriented_bounds
from trimesh.convex import convex_hull
from trimesh.creation import box as unit_box
from trimesh.creation import icosphere

from benchmarks.lifting.library import Library, View, mesh_of
from benchmarks.lifting.scores import Prediction
from models.geometry.mesh import Mesh
from models.lifting.fitting.pose_fitting import Fit, PoseFitter

MIN_SIDE = 0.02  # shortest side of a fitted box, as a share of the visible extent
MAX_FIT_POINTS = 300  # visible points that an ellipsoid is fitted to
VERSION = 2  # raise it when predictions change: records of an older version are measured again
BOX_PRIOR_WEIGHT = 0.2  # in the fit of an ellipsoid; the best ADD-S on 32 training objects, of 0.05 to 10

Baseline = Callable[[View, Library], Prediction]


def mean_shape(view: View, library: Library) -> Prediction:
    """Predict the level set of the library's mean signed distance that encloses the mean volume.

    Its centre lies behind the visible middle by the mean depth along the ray. Its scale is the library's mean ratio to
    the visible extent. Its rotation is the library's mean, which is upright and has an arbitrary heading.
    """
    return Prediction(
        mesh_of(library.mean_distance),
        pose(library.mean_rotation, view.middle + library.mean_depth * view.extent * view.ray),
        library.mean_scale * view.extent,
    )


def fitted_box(view: View, library: Library) -> Prediction:
    """Predict the minimum-volume box of the visible points, which is exact for a box that shows three faces.

    Its axes are ordered and signed so that its rotation is nearest to the library's mean.
    """
    cam_T_box, sides = box_around(view, library.mean_rotation)
    return Prediction(unit_box(sides), cam_T_box, 1.0)


def fitted_ellipsoid(view: View, library: Library) -> Prediction:
    """Fit an ellipsoid along the axes of the fitted box to the visible points.

    Least squares of the relative error of the radius, with a weak prior: the inscribed ellipsoid of the box.
    """
    cam_T_box, sides = box_around(view, library.mean_rotation)
    chosen = np.linspace(0, len(view.points) - 1, min(MAX_FIT_POINTS, len(view.points))).round().astype(int)
    half = sides / 2
    points = (view.points[chosen] - cam_T_box[:3, 3]) @ cam_T_box[:3, :3] / half

    def residuals(parameters: Float[np.ndarray, "6"]) -> Float[np.ndarray, "residual"]:
        centre, log_radii = parameters[:3], parameters[3:]
        radius_error = np.linalg.norm((points - centre) / np.exp(log_radii), axis=1) - 1
        return np.concatenate([radius_error, np.sqrt(len(points)) * BOX_PRIOR_WEIGHT * parameters])

    solution = least_squares(residuals, np.zeros(6), bounds=([-1] * 3 + [-0.7] * 3, [1] * 3 + [0.7] * 3)).x
    mesh = icosphere(subdivisions=4)
    mesh.apply_scale(half * np.exp(solution[3:]))
    cam_T_box[:3, 3] += cam_T_box[:3, :3] @ (half * solution[:3])
    return Prediction(mesh, cam_T_box, 1.0)


def visible_hull(view: View, library: Library) -> Prediction:
    """Predict the convex hull of the visible points, thickened a little along the ray so that it is never flat."""
    behind = view.points + MIN_SIDE * view.extent * view.ray
    rotation = library.mean_rotation
    hull = convex_hull((np.concatenate([view.points, behind]) - view.middle) @ rotation)
    return Prediction(hull, pose(rotation, view.middle), 1.0)


def nearest_neighbour(view: View, library: Library) -> Prediction:
    """Predict shape, rotation and relative position of the most similar object of the library.

    The most similar object has the smallest Chamfer distance between visible points, both centred and scaled by their
    extent.
    """
    k = library.nearest(view)
    return Prediction(
        mesh_of(library.distances[k]),
        pose(library.rotations[k], view.middle + view.extent * library.centres[k]),
        float(library.scales[k]) * view.extent,
    )


def nearest_fitted(view: View, library: Library) -> Prediction:
    """Predict `nearest_neighbour` after a fit of its pose and stretch to points and floor, as for lifted shapes.

    Raises:
        ValueError: the view has no evidence (the depth of its picture).
    """
    if view.evidence is None:
        raise ValueError("fitting needs the depth of the picture, which this view lacks: make it with `view_of`")
    neighbour = nearest_neighbour(view, library)
    shape = Mesh(torch.tensor(neighbour.mesh.vertices), torch.tensor(neighbour.mesh.faces))
    fit = PoseFitter(shape, view.evidence).fit(Fit(neighbour.cam_T_obj, neighbour.scale))
    vertices, scale = fit.stretched(shape.vertices)
    return Prediction(Trimesh(vertices.numpy(), neighbour.mesh.faces, process=False), fit.cam_T_obj, scale)


BASELINES: Mapping[str, Baseline] = {
    "mean_shape": mean_shape,
    "box": fitted_box,
    "ellipsoid": fitted_ellipsoid,
    "hull": visible_hull,
    "nearest": nearest_neighbour,
    "nearest_fitted": nearest_fitted,
}


def box_around(view: View, like: Float[np.ndarray, "3 3"]) -> tuple[Float[np.ndarray, "4 4"], Float[np.ndarray, "3"]]:
    """Fit the minimum-volume box to the visible points; flat points get the box of their principal axes.

    Returns:
        Its pose, with the rotation nearest to `like` among those with the same axes, and its sides in metres.
    """
    centred = view.points - view.points.mean(0)
    if np.linalg.svd(centred, compute_uv=False)[-1] < 1e-3 * view.extent * np.sqrt(len(centred)):
        axes = np.linalg.svd(centred, full_matrices=True)[2].T
        axes *= np.sign(np.linalg.det(axes))
    else:
        axes = oriented_bounds(view.points)[0][:3, :3].T
    rotations = axes @ Rotation.create_group("O").as_matrix()  # 24: every order and sign of the axes
    axes = rotations[np.trace(like.T @ rotations, axis1=1, axis2=2).argmax()]
    along = view.points @ axes
    low, high = along.min(0), along.max(0)
    return pose(axes, axes @ (low + high) / 2), np.maximum(high - low, MIN_SIDE * view.extent)


def pose(rotation: Float[np.ndarray, "3 3"], centre: Float[np.ndarray, "3"]) -> Float[np.ndarray, "4 4"]:
    """Build a rigid pose."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, centre
    return matrix
