"""Fit the pose of a lifted shape to the points that its picture shows, and to the floor that it stands on.

A flow knows about where an object stands and which way it faces; the point map knows better. Closest points pull the
shape onto what is seen of it, from eight headings, because a flow mistakes front and back sooner than it tilts a thing.
Where a floor is seen, the shape is set upright on it. At last it may be a little longer, wider or higher than it was
lifted: visible points say how large its seen sides are, and a floor, how far down its hidden ones go.
Source: the layout post-optimisation of SAM 3D (specs/sam3d.md 6.2: ICP, kept where it agrees better), without its
render-and-compare. Headings, floor, stretch and priors are ours.
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

# these were chosen on 40 and 48 objects of training families from seed 800,000
HEADINGS = 8  # starts, about the object's own vertical axis
STEPS = 15
REACH = 0.03  # residual, in sides of the cube, beyond which a point pulls with constant force (Huber)
ALONG_NORMAL = 0.05  # distance, in sides of the cube, up to which a point pulls along the normal of the surface
PRIOR = 0.1  # weight of the spreads below against the points
POINTS = 400  # visible ones that pull, at most
LEANS = 0.02  # misfit that an upright pose may be worse than one that leans
HOVERS = 0.25  # of a shape's height: as far above the floor, or below it, it is not where the shape stands
BESIDE = 1.1  # of a shape's footprint: within it, what is between shape and floor carries the shape
CARRYING = 5  # points of that, at least

# error of a start: radians, sides of the cube, log scale, log stretch; next to nothing is held
RIGID = np.array([0.3, 0.3, 0.3, 0.2, 0.2, 0.2, 0.1, 1e-4, 1e-4, 1e-4])
ELASTIC = np.array([0.3, 0.3, 0.3, 0.2, 0.2, 0.2, 0.1, 0.15, 0.15, 0.15])
UPRIGHT = np.array([1e-4, 1e-4, 0.3, 0.2, 0.2, 0.2, 0.1, 0.15, 0.15, 0.15])


@dataclass(frozen=True)
class Fit:
    """Where a shape stands: v of its cube is at R (scale * stretch * v) + t of the camera; and how ill that agrees.

    `misfit` is the mean distance of the visible points to the surface, plus `Evidence.stands_before` of the surface;
    in units of the visible points' extent; NaN where it was not measured.
    """

    cam_T_obj: Float[np.ndarray, "4 4"]
    scale: float
    misfit: float = np.nan
    stretch: Float[np.ndarray, "3"] = field(default_factory=lambda: np.ones(3))  # along the object's own axes

    @property
    def up(self) -> Float[np.ndarray, "3"]:
        """The object's z in the camera frame."""
        return np.asarray(self.cam_T_obj[:3, 2])

    def to_camera(self, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Carry points of the cube to the camera."""
        return np.asarray(self.scale * (self.stretch * xyz) @ self.cam_T_obj[:3, :3].T + self.cam_T_obj[:3, 3])

    def to_cube(self, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Carry points of the camera to the cube."""
        return np.asarray((xyz - self.cam_T_obj[:3, 3]) @ self.cam_T_obj[:3, :3] / (self.scale * self.stretch))

    def stretched(self, vertices: Float[torch.Tensor, "vertex 3"]) -> tuple[Float[torch.Tensor, "vertex 3"], float]:
        """Stretch vertices themselves; give them, in the cube again, and the scale at which they stand as here."""
        longer = vertices * torch.from_numpy(self.stretch).to(vertices)
        beyond = max(1.0, 2 * float(longer.abs().max()))
        return longer / beyond, self.scale * beyond


class PoseFitter:
    """Fits the pose of one shape, and a stretch along its axes, to evidence.

    Args:
        mesh: in the object's own frame, the cube [-0.5, 0.5]^3 with z up.
        evidence: what is seen of it; at least one point.

    Raises:
        ImportError: scipy or trimesh is not installed.
        ValueError: the evidence has no point.
    """

    def __init__(self, mesh: Mesh, evidence: Evidence) -> None:
        if Trimesh is None:
            raise ImportError("fitting a pose needs scipy and trimesh: pip install 'region4d[geom]'")
        if not len(evidence.points):
            raise ValueError("a pose is fitted to visible points, and the object has none: give its point map")
        self.vertices, self.evidence = mesh.vertices.double().numpy(), evidence
        self.normals = np.array(Trimesh(self.vertices, mesh.faces.numpy(), process=False).vertex_normals)
        self.tree, self.points = cKDTree(self.vertices), evidence.some(POINTS)

    def judge(self, fit: Fit) -> Fit:
        """Measure the misfit of a pose."""
        here = fit.to_cube(self.points)
        gaps = (here - self.vertices[self.tree.query(here)[1]]) * (fit.scale * fit.stretch)
        apart = np.linalg.norm(gaps, axis=1).mean() / self.evidence.extent
        return replace(fit, misfit=float(apart) + self.evidence.stands_before(fit.to_camera(self.vertices)))

    def fit(self, start: Fit) -> Fit:
        """Take the pose of least misfit: the given one, or what closest points make of it from one of its headings.

        It is stretched where that agrees better. The floor (`Evidence.floor`) outweighs the misfit: where there is one,
        the shape is upright unless leaning agrees clearly better; and upright, it reaches down to it, unless it is far
        above it or below, or something is seen between them.
        """
        turns = Rotation.from_euler("z", 2 * np.pi * np.arange(HEADINGS)[:, None] / HEADINGS).as_matrix()
        found = [self._descend(turned(start, turn), RIGID) for turn in turns]
        best = min((self.judge(fit) for fit in (start, *found)), key=misfit_of)
        floor = self.evidence.floor(best.up)
        free = min(best, self.judge(self._descend(best, ELASTIC)), key=misfit_of)
        if floor is None:
            return free
        stands = self.judge(upright(best, floor, self.points.mean(0)))
        stands = min(stands, self.judge(self._descend(stands, UPRIGHT)), key=misfit_of)
        if stands.misfit > free.misfit + LEANS:
            return free
        return self.judge(self._reaching(stands, floor))

    def _reaching(self, fit: Fit, floor: Plane) -> Fit:
        """Stretch an upright shape along its z: its lowest vertex comes to the floor, its highest stays where it is."""
        heights = floor.height(fit.to_camera(self.vertices))
        low, high = float(heights.min()), float(heights.max())
        if high <= 0 or abs(low) > HOVERS * (high - low) or self._carried(fit, floor, low):
            return fit
        longer = high / (high - low)
        top = fit.scale * fit.stretch[2] * float(self.vertices[:, 2].max())
        pose = fit.cam_T_obj.copy()
        pose[:3, 3] += (1 - longer) * top * fit.up
        return replace(fit, cam_T_obj=pose, stretch=fit.stretch * [1, 1, longer])

    def _carried(self, fit: Fit, floor: Plane, low: float) -> bool:
        """Tell whether points of something else are seen between the floor and an upright shape at height `low`."""
        around, gap = self.evidence.around, self.evidence.gap
        heights = floor.height(around)
        between = around[(heights > 2 * gap) & (heights < low + gap)]
        beside = np.abs(fit.to_cube(between)[:, :2]) < BESIDE * np.abs(self.vertices[:, :2]).max(0)
        return bool(beside.all(1).sum() >= CARRYING)

    def _descend(self, start: Fit, spread: Float[np.ndarray, "10"]) -> Fit:
        """Take Gauss-Newton steps of rotation, translation, scale and stretch towards the visible points.

        A stretch that is not held strays from that of the shape as it was lifted, none.
        """
        lifted = start.stretch if spread is RIGID else np.ones(3)
        pose, scale, stretch = start.cam_T_obj.copy(), start.scale, start.stretch
        for _ in range(STEPS):
            here = Fit(pose, scale, stretch=stretch).to_cube(self.points)
            gaps, place = self.tree.query(here)
            there = self.vertices[place]
            ways = np.where(
                (gaps > ALONG_NORMAL)[:, None], (here - there) / gaps[:, None].clip(1e-9), self.normals[place]
            )
            residual = ((here - there) * ways).sum(1)
            weight = REACH / np.abs(residual).clip(REACH)
            along = there * ways
            moved = np.concatenate(
                [np.cross(stretch * there, ways / stretch), ways, along.sum(1, keepdims=True), along], 1
            )
            turn = Rotation.from_matrix(start.cam_T_obj[:3, :3].T @ pose[:3, :3]).as_rotvec()
            shift = start.cam_T_obj[:3, :3].T @ (pose[:3, 3] - start.cam_T_obj[:3, 3]) / (start.scale * start.stretch)
            strayed = np.concatenate([turn, shift, [np.log(scale / start.scale)], np.log(stretch / lifted)])
            prior = PRIOR * len(here) * (REACH / spread) ** 2
            left = (moved * weight[:, None]).T @ moved + np.diag(prior)
            right = (moved * weight[:, None]).T @ residual - prior * strayed
            step = np.linalg.solve(left, right).clip(-spread, spread)  # far away the first ones overshoot
            pose[:3, 3] += scale * pose[:3, :3] @ (stretch * step[3:6])
            pose[:3, :3] @= Rotation.from_rotvec(step[:3]).as_matrix()
            scale *= float(np.exp(step[6]))
            stretch = stretch * np.exp(step[7:])
        return Fit(pose, scale, stretch=stretch)


def misfit_of(fit: Fit) -> float:
    """The misfit, to compare fits by."""
    return fit.misfit


def turned(fit: Fit, turn: Float[np.ndarray, "3 3"]) -> Fit:
    """Turn a fit in the object's own frame."""
    pose = fit.cam_T_obj.copy()
    pose[:3, :3] @= turn
    return replace(fit, cam_T_obj=pose)


def upright(fit: Fit, floor: Plane, pivot: Float[np.ndarray, "3"]) -> Fit:
    """Turn a fit about a point of the camera frame, no more than is needed, so that its z is the floor's normal."""
    turn = Rotation.align_vectors([floor.normal], [fit.up])[0].as_matrix()
    pose = fit.cam_T_obj.copy()
    pose[:3, :3] = turn @ pose[:3, :3]
    pose[:3, 3] = turn @ (pose[:3, 3] - pivot) + pivot
    return replace(fit, cam_T_obj=pose)
