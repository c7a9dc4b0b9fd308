"""Fit the pose of a lifted shape to the points that its picture shows.

A flow knows about where an object stands and which way it faces; the point map knows better. Closest points pull the
shape onto what is seen of it, from eight headings, because a flow mistakes front and back sooner than it tilts a thing.
Source: the layout post-optimisation of SAM 3D (specs/sam3d.md 6.2: ICP, kept where it agrees better), without its
render-and-compare; headings and priors are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from models.lifting.evidence import Evidence
from scenes.worlds.solid import Mesh

try:
    from scipy.spatial import cKDTree
    from scipy.spatial.transform import Rotation
    from trimesh import Trimesh
except ImportError:
    Trimesh = None

# these were chosen on 40 objects of training families from seed 800,000
HEADINGS = 8  # starts, about the object's own vertical axis
STEPS = 15
REACH = 0.03  # residual, in sides of the cube, beyond which a point pulls with constant force (Huber)
ALONG_NORMAL = 0.05  # distance, in sides of the cube, up to which a point pulls along the normal of the surface
SPREAD = np.array([0.3, 0.3, 0.3, 0.2, 0.2, 0.2, 0.1])  # error of a start: radians, sides of the cube, log scale
PRIOR = 0.1  # weight of that against the points
POINTS = 400  # visible ones that pull, at most


@dataclass(frozen=True)
class Fit:
    """Where a shape stands: v of its cube is at R (scale * v) + t of the camera; and how ill it agrees with evidence.

    `misfit` is the mean distance of the visible points to the surface, plus `Evidence.stands_before` of the surface;
    in units of the visible points' extent; NaN where it was not measured.
    """

    cam_T_obj: Float[np.ndarray, "4 4"]
    scale: float
    misfit: float = np.nan

    def to_camera(self, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Carry points of the cube to the camera."""
        return np.asarray(self.scale * xyz @ self.cam_T_obj[:3, :3].T + self.cam_T_obj[:3, 3])

    def to_cube(self, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Carry points of the camera to the cube."""
        return np.asarray((xyz - self.cam_T_obj[:3, 3]) @ self.cam_T_obj[:3, :3] / self.scale)


class PoseFitter:
    """Fits the pose of one shape to evidence.

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

    def judge(self, cam_T_obj: Float[np.ndarray, "4 4"], scale: float) -> Fit:
        """Measure the misfit of a pose."""
        fit = Fit(cam_T_obj, scale)
        apart = self.tree.query(fit.to_cube(self.points))[0].mean() * scale / self.evidence.extent
        return replace(fit, misfit=float(apart) + self.evidence.stands_before(fit.to_camera(self.vertices)))

    def fit(self, cam_T_obj: Float[np.ndarray, "4 4"], scale: float) -> Fit:
        """Take the pose of least misfit: the given one, or what closest points make of it from one of its headings."""
        found = [self.judge(cam_T_obj, scale)]
        for k in range(HEADINGS):
            start = cam_T_obj.copy()
            start[:3, :3] @= Rotation.from_euler("z", 2 * np.pi * k / HEADINGS).as_matrix()
            found.append(self.judge(*self._descend(start, scale)))
        return min(found, key=lambda fit: fit.misfit)

    def _descend(self, start: Float[np.ndarray, "4 4"], size: float) -> tuple[Float[np.ndarray, "4 4"], float]:
        """Take Gauss-Newton steps of rotation, translation and scale towards the visible points."""
        pose, scale = start.copy(), size
        for _ in range(STEPS):
            here = Fit(pose, scale).to_cube(self.points)
            gaps, place = self.tree.query(here)
            there = self.vertices[place]
            ways = np.where(
                (gaps > ALONG_NORMAL)[:, None], (here - there) / gaps[:, None].clip(1e-9), self.normals[place]
            )
            residual = ((here - there) * ways).sum(1)
            weight = REACH / np.abs(residual).clip(REACH)
            moved = np.concatenate([np.cross(there, ways), ways, (there * ways).sum(1, keepdims=True)], 1)
            turned = Rotation.from_matrix(start[:3, :3].T @ pose[:3, :3]).as_rotvec()
            shifted = start[:3, :3].T @ (pose[:3, 3] - start[:3, 3]) / size
            strayed = np.concatenate([turned, shifted, [np.log(scale / size)]])
            prior = PRIOR * len(here) * (REACH / SPREAD) ** 2
            left = (moved * weight[:, None]).T @ moved + np.diag(prior)
            right = (moved * weight[:, None]).T @ residual - prior * strayed
            step = np.linalg.solve(left, right).clip(-SPREAD, SPREAD)  # far away the first ones overshoot
            pose[:3, 3] += scale * pose[:3, :3] @ step[3:6]
            pose[:3, :3] @= Rotation.from_rotvec(step[:3]).as_matrix()
            scale *= float(np.exp(step[6]))
        return pose, scale
