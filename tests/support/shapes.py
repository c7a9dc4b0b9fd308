"""Meshes and motions that the tests of mesh metrics share."""

import numpy as np
from scipy.spatial.transform import Rotation
from trimesh import Trimesh
from trimesh.convex import convex_hull
from trimesh.creation import box, icosphere


def cube(shift: float = 0.0, side: float = 1.0) -> Trimesh:
    return moved(box((side, side, side)), translation(shift))


def sphere(radius: float = 1.0, subdivisions: int = 4) -> Trimesh:
    return icosphere(subdivisions=subdivisions, radius=radius)


def lump(seed: int = 0, corners: int = 12) -> Trimesh:
    """A convex body without symmetry."""
    return convex_hull(np.random.default_rng(seed).normal(size=(corners, 3)) * [1, 0.7, 0.45])


def translation(x: float, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    motion = np.eye(4)
    motion[:3, 3] = x, y, z
    return motion


def turn(angle_deg: float, axis: tuple[float, float, float]) -> np.ndarray:
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_rotvec(angle_deg * np.array(axis) / np.linalg.norm(axis), degrees=True).as_matrix()
    return motion


def random_motion(seed: int, reach: float = 3.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    motion = translation(*rng.uniform(-reach, reach, 3))
    motion[:3, :3] = Rotation.random(rng=rng).as_matrix()
    return motion


def moved(mesh: Trimesh, motion: np.ndarray) -> Trimesh:
    return mesh.copy().apply_transform(motion)


def hollow(mesh: Trimesh) -> Trimesh:
    """The mesh without one of its faces."""
    return Trimesh(mesh.vertices, mesh.faces[1:])


def broken(mesh: Trimesh) -> Trimesh:
    """The mesh with one vertex that is not a number."""
    vertices = np.array(mesh.vertices)
    vertices[0, 0] = np.nan
    return Trimesh(vertices, mesh.faces, process=False)


def flat(mesh: Trimesh) -> Trimesh:
    """The mesh drawn out to a line, without area."""
    return Trimesh(mesh.vertices * [1, 0, 0], mesh.faces, process=False)
