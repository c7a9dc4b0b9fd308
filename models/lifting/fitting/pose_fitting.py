"""Fit the pose of a lifted shape to the points that its picture shows, and to the floor below it.

A flow predicts pose only roughly; the point map is more exact. ICP from eight initial yaw angles aligns the shape with
its visible points: a flow confuses front and back more often than it tilts an object. Where the picture shows a floor,
the shape is set upright on it. Finally the shape may stretch a little along its own axes: visible points give the size
of its visible sides, and a floor tells how far down its hidden sides go.
Source: the layout post-optimisation of SAM 3D (specs/sam3d.md 6.2: ICP, kept where it agrees better), without its
render-and-compare. Initial angles, floor, stretch and priors are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float

from models.geometry.mesh import Mesh
from models.geometry.planes import Plane
from models.lifting.inputs.evidence import Evidence

try:
    from scipy.spatial import cKDTree
    from scipy.spatial.transform import Rotation
    from trimesh import Trimesh
except ImportError:
    Trimesh = None

# chosen on 40 and 48 objects of training families from seed 800,000
INITIAL_YAWS = 8  # evenly spaced, about the object's own vertical axis
GAUSS_NEWTON_STEPS = 15
HUBER_DELTA = 0.03  # distance, in sides of the cube, above which the loss of a point grows linearly
POINT_TO_PLANE_RANGE = 0.05  # sides of the cube: nearer points are compared along the surface normal
PRIOR_WEIGHT = 0.1  # of the spreads below, relative to the points
MAX_POINTS = 400  # visible points that enter a fit
LEANING_MARGIN = 0.02  # an upright pose is kept unless a leaning one has a residual smaller by more than this
MAX_FLOOR_GAP = 0.25  # share of a shape's height: further above or below the floor, the shape does not stand on it
FOOTPRINT_FACTOR = 1.1  # of a shape's footprint: points inside it, between shape and floor, belong to a support
MIN_SUPPORT_POINTS = 5  # fewer points are no support

# expected error of an initial pose: radians, sides of the cube, log scale, log stretch; 1e-4 holds a parameter fixed
RIGID_SPREAD = np.array([0.3, 0.3, 0.3, 0.2, 0.2, 0.2, 0.1, 1e-4, 1e-4, 1e-4])
ELASTIC_SPREAD = np.array([0.3, 0.3, 0.3, 0.2, 0.2, 0.2, 0.1, 0.15, 0.15, 0.15])
UPRIGHT_SPREAD = np.array([1e-4, 1e-4, 0.3, 0.2, 0.2, 0.2, 0.1, 0.15, 0.15, 0.15])


@dataclass(frozen=True)
class Fit:
    """Pose, scale and stretch of a shape, with its residual against the observed points.

    A vertex v of its cube is at R (scale * stretch * v) + t of the camera. `residual` is the mean distance of the
    visible points to the surface plus `Evidence.occluding_depth` of the surface, in units of the points' extent; NaN
    before it is measured.
    """

    cam_T_obj: Float[np.ndarray, "4 4"]
    scale: float
    residual: float = np.nan
    stretch: Float[np.ndarray, "3"] = field(default_factory=lambda: np.ones(3))  # along the object's own axes

    @property
    def up(self) -> Float[np.ndarray, "3"]:
        """The object's z in the camera frame."""
        return np.asarray(self.cam_T_obj[:3, 2])

    def to_camera(self, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Transform points of the cube to the camera."""
        return np.asarray(self.scale * (self.stretch * xyz) @ self.cam_T_obj[:3, :3].T + self.cam_T_obj[:3, 3])

    def to_cube(self, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Transform points of the camera to the cube."""
        return np.asarray((xyz - self.cam_T_obj[:3, 3]) @ self.cam_T_obj[:3, :3] / (self.scale * self.stretch))

    def stretched(self, vertices: Float[torch.Tensor, "vertex 3"]) -> tuple[Float[torch.Tensor, "vertex 3"], float]:
        """Apply the stretch to vertices; return them, within the cube again, and the scale that keeps them in place."""
        longer = vertices * torch.from_numpy(self.stretch).to(vertices)
        beyond = max(1.0, 2 * float(longer.abs().max()))
        return longer / beyond, self.scale * beyond


class PoseFitter:
    """Fits the pose of one shape, and a stretch along its axes, to evidence.

    Args:
        mesh: in the object's own frame, the cube [-0.5, 0.5]^3 with z up.
        evidence: what the picture shows of it, with at least one point.

    Raises:
        ImportError: scipy or trimesh is not installed.
        ValueError: the evidence has no point.
    """

    def __init__(self, mesh: Mesh, evidence: Evidence) -> None:
        if Trimesh is None:
            raise ImportError("fitting a pose needs scipy and trimesh: pip install 'region4d[geom]'")
        if not len(evidence.points):
            raise ValueError(
                "the object has no visible point to fit a pose to: give a point map with depth under its mask"
            )
        self.vertices, self.evidence = mesh.vertices.double().numpy(), evidence
        self.normals = np.array(Trimesh(self.vertices, mesh.faces.numpy(), process=False).vertex_normals)
        self.tree, self.points = cKDTree(self.vertices), evidence.thinned(MAX_POINTS)

    def measure(self, fit: Fit) -> Fit:
        """Measure the residual of a fit."""
        here = fit.to_cube(self.points)
        offsets = (here - self.vertices[self.tree.query(here)[1]]) * (fit.scale * fit.stretch)
        distance = np.linalg.norm(offsets, axis=1).mean() / self.evidence.extent
        return replace(fit, residual=float(distance) + self.evidence.occluding_depth(fit.to_camera(self.vertices)))

    def fit(self, start: Fit) -> Fit:
        """Select the fit with the smallest residual: `start`, or the result of ICP from one of the initial yaw angles.

        A stretch is kept where it lowers the residual. A floor (`Evidence.floor`) takes precedence: the shape is set
        upright unless a leaning pose has a clearly smaller residual. An upright shape is then extended down to the
        floor, unless it is far above or below the floor or visibly rests on something else.
        """
        turns = Rotation.from_euler("z", 2 * np.pi * np.arange(INITIAL_YAWS)[:, None] / INITIAL_YAWS).as_matrix()
        aligned = [self._descend(rotated(start, turn), RIGID_SPREAD) for turn in turns]
        best = min((self.measure(fit) for fit in (start, *aligned)), key=residual_of)
        floor = self.evidence.floor(best.up)
        free = min(best, self.measure(self._descend(best, ELASTIC_SPREAD)), key=residual_of)
        if floor is None:
            return free
        upright = self.measure(set_upright(best, floor, self.points.mean(0)))
        upright = min(upright, self.measure(self._descend(upright, UPRIGHT_SPREAD)), key=residual_of)
        if upright.residual > free.residual + LEANING_MARGIN:
            return free
        return self.measure(self._reach_floor(upright, floor))

    def _reach_floor(self, fit: Fit, floor: Plane) -> Fit:
        """Stretch an upright shape along its z so that it reaches the floor; its top stays in place.

        A plane on which the object visibly stands (`Evidence.support`) may cut it anywhere; another floor only near its
        lower end.
        """
        heights = floor.height(fit.to_camera(self.vertices))
        low, high = float(heights.min()), float(heights.max())
        gap = MAX_FLOOR_GAP * (high - low)
        cut_high_up = low < -gap and floor is not self.evidence.support
        if high <= 0 or low > gap or cut_high_up or self._is_supported(fit, floor, low):
            return fit
        longer = high / (high - low)
        top = fit.scale * fit.stretch[2] * float(self.vertices[:, 2].max())
        pose = fit.cam_T_obj.copy()
        pose[:3, 3] += (1 - longer) * top * fit.up
        return replace(fit, cam_T_obj=pose, stretch=fit.stretch * [1, 1, longer])

    def _is_supported(self, fit: Fit, floor: Plane, low: float) -> bool:
        """Tell whether the picture shows a support between the floor and an upright shape at height `low`."""
        points, tolerance = self.evidence.surroundings, self.evidence.plane_tolerance
        heights = floor.height(points)
        between = points[(heights > 2 * tolerance) & (heights < low + tolerance)]
        in_footprint = np.abs(fit.to_cube(between)[:, :2]) < FOOTPRINT_FACTOR * np.abs(self.vertices[:, :2]).max(0)
        return bool(in_footprint.all(1).sum() >= MIN_SUPPORT_POINTS)

    def _descend(self, start: Fit, spread: Float[np.ndarray, "10"]) -> Fit:
        """Take Gauss-Newton steps of rotation, translation, scale and stretch towards the visible points.

        The prior pulls a free stretch back to 1, the shape as it was lifted.
        """
        lifted = start.stretch if spread is RIGID_SPREAD else np.ones(3)
        pose, scale, stretch = start.cam_T_obj.copy(), start.scale, start.stretch
        for _ in range(GAUSS_NEWTON_STEPS):
            here = Fit(pose, scale, stretch=stretch).to_cube(self.points)
            distances, nearest = self.tree.query(here)
            there = self.vertices[nearest]
            directions = np.where(
                (distances > POINT_TO_PLANE_RANGE)[:, None],
                (here - there) / distances[:, None].clip(1e-9),
                self.normals[nearest],
            )
            error = ((here - there) * directions).sum(1)
            weight = HUBER_DELTA / np.abs(error).clip(HUBER_DELTA)
            along = there * directions
            jacobian = np.concatenate(
                [np.cross(stretch * there, directions / stretch), directions, along.sum(1, keepdims=True), along], 1
            )
            turn = Rotation.from_matrix(start.cam_T_obj[:3, :3].T @ pose[:3, :3]).as_rotvec()
            shift = start.cam_T_obj[:3, :3].T @ (pose[:3, 3] - start.cam_T_obj[:3, 3]) / (start.scale * start.stretch)
            deviation = np.concatenate([turn, shift, [np.log(scale / start.scale)], np.log(stretch / lifted)])
            prior = PRIOR_WEIGHT * len(here) * (HUBER_DELTA / spread) ** 2
            left = (jacobian * weight[:, None]).T @ jacobian + np.diag(prior)
            right = (jacobian * weight[:, None]).T @ error - prior * deviation
            step = np.linalg.solve(left, right).clip(-spread, spread)  # early steps overshoot
            pose[:3, 3] += scale * pose[:3, :3] @ (stretch * step[3:6])
            pose[:3, :3] @= Rotation.from_rotvec(step[:3]).as_matrix()
            scale *= float(np.exp(step[6]))
            stretch = stretch * np.exp(step[7:])
        return Fit(pose, scale, stretch=stretch)


def residual_of(fit: Fit) -> float:
    """Return the residual, as a sort key."""
    return fit.residual


def rotated(fit: Fit, turn: Float[np.ndarray, "3 3"]) -> Fit:
    """Rotate a fit in the object's own frame."""
    pose = fit.cam_T_obj.copy()
    pose[:3, :3] @= turn
    return replace(fit, cam_T_obj=pose)


def set_upright(fit: Fit, floor: Plane, pivot: Float[np.ndarray, "3"]) -> Fit:
    """Rotate a fit about a camera point by the smallest angle that aligns its z with the floor's normal."""
    turn = Rotation.align_vectors([floor.normal], [fit.up])[0].as_matrix()
    pose = fit.cam_T_obj.copy()
    pose[:3, :3] = turn @ pose[:3, :3]
    pose[:3, 3] = turn @ (pose[:3, 3] - pivot) + pivot
    return replace(fit, cam_T_obj=pose)
