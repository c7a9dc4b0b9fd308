"""Baselines of Lift-Worlds that need no network. All see the visible points in metres, exact, as the best arms do."""

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

FLAT = 0.02  # of the visible extent: the least side of a fitted box
FIT_POINTS = 300  # that an ellipsoid is fitted to
VERSION = 2  # of the baselines: records of another one are measured again
PRIOR = 0.2  # weight of the box in the fit of an ellipsoid: of 0.05 to 10, the best ADD-S on 32 training objects

Baseline = Callable[[View, Library], Prediction]


def mean_shape(view: View, library: Library) -> Prediction:
    """Predict the mean signed distance of the library, at the level that holds the mean volume.

    Its centre lies the mean depth behind the visible middle, along the ray, and its side is the mean ratio to the
    visible extent; its rotation is the mean one: upright as the library's cameras are, with no heading.
    """
    return Prediction(
        mesh_of(library.mean_distance),
        pose(library.mean_rotation, view.middle + library.mean_depth * view.extent * view.ray),
        library.mean_scale * view.extent,
    )


def fitted_box(view: View, library: Library) -> Prediction:
    """Predict the box of least volume around the visible points: what three visible faces of a box determine exactly.

    Its axes take the names under which its rotation is nearest to the library's mean.
    """
    cam_T_box, sides = box_around(view, library.mean_rotation)
    return Prediction(unit_box(sides), cam_T_box, 1.0)


def fitted_ellipsoid(view: View, library: Library) -> Prediction:
    """Predict the ellipsoid along the axes of the fitted box whose surface is nearest to the visible points.

    Least squares of the relative error of the radius, with the inscribed ellipsoid of the box as a weak prior.
    """
    cam_T_box, sides = box_around(view, library.mean_rotation)
    chosen = np.linspace(0, len(view.points) - 1, min(FIT_POINTS, len(view.points))).round().astype(int)
    half = sides / 2
    points = (view.points[chosen] - cam_T_box[:3, 3]) @ cam_T_box[:3, :3] / half

    def gaps(numbers: Float[np.ndarray, "6"]) -> Float[np.ndarray, "gap"]:
        centre, log_radii = numbers[:3], numbers[3:]
        radius = np.linalg.norm((points - centre) / np.exp(log_radii), axis=1) - 1
        return np.concatenate([radius, np.sqrt(len(points)) * PRIOR * numbers])

    found = least_squares(gaps, np.zeros(6), bounds=([-1] * 3 + [-0.7] * 3, [1] * 3 + [0.7] * 3)).x
    mesh = icosphere(subdivisions=4)
    mesh.apply_scale(half * np.exp(found[3:]))
    cam_T_box[:3, 3] += cam_T_box[:3, :3] @ (half * found[:3])
    return Prediction(mesh, cam_T_box, 1.0)


def visible_hull(view: View, library: Library) -> Prediction:
    """Predict the convex hull of the visible points, given a little depth along the ray where they are flat."""
    behind = view.points + FLAT * view.extent * view.ray
    rotation = library.mean_rotation
    hull = convex_hull((np.concatenate([view.points, behind]) - view.middle) @ rotation)
    return Prediction(hull, pose(rotation, view.middle), 1.0)


def nearest_neighbour(view: View, library: Library) -> Prediction:
    """Predict shape, rotation and relative position of the most similar object of the library.

    Similarity: least Chamfer distance of visible points about their middle, in units of their extent.
    """
    k = library.nearest(view)
    return Prediction(
        mesh_of(library.distances[k]),
        pose(library.rotations[k], view.middle + view.extent * library.centres[k]),
        float(library.scales[k]) * view.extent,
    )


def nearest_fitted(view: View, library: Library) -> Prediction:
    """Predict `nearest_neighbour`, with its pose and stretch fitted to points and floor as for lifted shapes.

    Raises:
        ValueError: The view comes without the depth of the picture.
    """
    if view.evidence is None:
        raise ValueError("a fit needs the depth of the picture: take the view of a masked object")
    found = nearest_neighbour(view, library)
    shape = Mesh(torch.tensor(found.mesh.vertices), torch.tensor(found.mesh.faces))
    fit = PoseFitter(shape, view.evidence).fit(Fit(found.cam_T_obj, found.scale))
    vertices, scale = fit.stretched(shape.vertices)
    return Prediction(Trimesh(vertices.numpy(), found.mesh.faces, process=False), fit.cam_T_obj, scale)


BASELINES: Mapping[str, Baseline] = {
    "mean_shape": mean_shape,
    "box": fitted_box,
    "ellipsoid": fitted_ellipsoid,
    "hull": visible_hull,
    "nearest": nearest_neighbour,
    "nearest_fitted": nearest_fitted,
}


def box_around(view: View, like: Float[np.ndarray, "3 3"]) -> tuple[Float[np.ndarray, "4 4"], Float[np.ndarray, "3"]]:
    """Fit the box of least volume to visible points: its pose, as near to a rotation as its axes allow, and its sides.

    Flat points get the box of their principal axes.
    """
    spread = view.points - view.points.mean(0)
    if np.linalg.svd(spread, compute_uv=False)[-1] < 1e-3 * view.extent * np.sqrt(len(spread)):
        axes = np.linalg.svd(spread, full_matrices=True)[2].T
        axes *= np.sign(np.linalg.det(axes))
    else:
        axes = oriented_bounds(view.points)[0][:3, :3].T
    named = axes @ Rotation.create_group("O").as_matrix()  # the 24 ways to name the axes
    axes = named[np.trace(like.T @ named, axis1=1, axis2=2).argmax()]
    along = view.points @ axes
    low, high = along.min(0), along.max(0)
    return pose(axes, axes @ (low + high) / 2), np.maximum(high - low, FLAT * view.extent)


def pose(rotation: Float[np.ndarray, "3 3"], centre: Float[np.ndarray, "3"]) -> Float[np.ndarray, "4 4"]:
    """Build a rigid pose."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, centre
    return matrix
