"""Solid and surface voxels of a mesh, and the overlap of two meshes in either.

The lattice is anchored at the origin and unbounded, so that no part of a mesh is cut off. Solid and surface overlap of
one prediction differ by a factor of 4 to 15 (specs/sam3d.md 4.2): state which one you report.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from benchmarks.metrics.surface import Surface, Trimesh

VOXEL = 2 / 64  # 64 voxels along [-1, 1], SAM 3D's grid for normalised meshes
MAX_VOXELS = 512**3  # in the grid around one mesh; more indicates a wrong unit
LINE_OFFSET = np.array([0.01373, 0.00819])  # voxels: keeps lines off the centres, where marching cubes puts edges


def voxel_iou(
    pred_mesh: Trimesh, true_mesh: Trimesh, kind: Literal["solid", "surface"], voxel_size: float = VOXEL
) -> float:
    """Compute intersection over union of the voxels of two meshes: vIoU.

    Args:
        pred_mesh: the predicted mesh.
        true_mesh: the true mesh, in the same frame.
        kind: "solid" for voxels whose centre lies inside, "surface" for voxels that a triangle touches.
        voxel_size: side of a voxel, in the unit of the meshes.

    Raises:
        ValueError: a mesh is empty, not finite or, for solids, not closed; the true mesh has no voxel; the kind is
            unknown; or the voxels are too small for the meshes.
    """
    if kind not in ("solid", "surface"):
        raise ValueError(f"kind={kind!r} is unknown: choose one of solid, surface")
    fill = solid_voxels if kind == "solid" else surface_voxels
    pred, true = fill(pred_mesh, voxel_size, "the predicted mesh"), fill(true_mesh, voxel_size, "the true mesh")
    if not len(true):
        raise ValueError(f"the true mesh contains no centre of a voxel of {voxel_size}: use smaller voxels")
    return overlap(pred, true)


def overlap(pred: Int[np.ndarray, "pred_voxel 3"], true: Int[np.ndarray, "true_voxel 3"]) -> float:
    """Compute intersection over union of two lists of voxels; the true one must not be empty."""
    low = np.concatenate([pred, true]).min(0)
    shape = np.concatenate([pred, true]).max(0) - low + 1
    pred_numbers, true_numbers = (np.ravel_multi_index(tuple((voxels - low).T), shape) for voxels in (pred, true))
    shared = len(np.intersect1d(pred_numbers, true_numbers, assume_unique=True))
    return shared / (len(pred) + len(true) - shared)


def solid_voxels(mesh: Trimesh, voxel_size: float = VOXEL, name: str = "mesh") -> Int[np.ndarray, "voxel 3"]:
    """List the voxels whose centre lies inside a closed mesh; voxel (i, j, k) has centre (i + .5, j + .5, k + .5) side.

    A centre is inside if its winding number is not 0. Overlapping parts of a composite are therefore solid (the parity
    of crossings would leave their overlap empty), and cavities, whose faces point inwards, are empty. Faces on
    multiples of the side lie between centres, so rounding does not matter there.

    Raises:
        ValueError: the mesh is empty, not finite or not closed, or the voxels are too small for it.
    """
    Surface(mesh, name)
    _check_closed(mesh, name)
    low, shape = _grid(mesh, voxel_size, name)
    column, height, step = _crossings(mesh.vertices / voxel_size - low - 0.5, mesh.faces, shape[:2])
    steps = np.zeros((shape[0] * shape[1], shape[2] + 1), np.int32)  # changes of the winding number along z
    np.add.at(steps, (column, np.ceil(height).astype(np.int64).clip(0, shape[2])), step)
    inside = steps.cumsum(1)[:, :-1] != 0
    return np.asarray(np.argwhere(inside.reshape(shape)) + low)


def surface_voxels(mesh: Trimesh, voxel_size: float = VOXEL, name: str = "mesh") -> Int[np.ndarray, "voxel 3"]:
    """List the voxels that a triangle touches; voxel (i, j, k) has centre (i, j, k) side.

    Centres lie on multiples of the side because a normalised mesh ends at -1 or 1: if these planes lay between voxels,
    rounding would decide which voxels get a whole face.

    Raises:
        ValueError: the mesh is empty or not finite, or the voxels are too small for it.
    """
    surface = Surface(mesh, name)
    low, shape = _grid(mesh, voxel_size, name)
    return np.asarray(surface.touched((low - 0.5) * voxel_size, shape + 1, voxel_size) + low)


def _grid(mesh: Trimesh, voxel_size: float, name: str) -> tuple[Int[np.ndarray, "3"], Int[np.ndarray, "3"]]:
    """Return the index of the first voxel and the shape of the grid around a mesh."""
    if not 0 < voxel_size < np.inf:
        raise ValueError(f"voxel_size must be positive and finite, got {voxel_size}")
    low, high = np.floor(mesh.bounds[0] / voxel_size), np.ceil(mesh.bounds[1] / voxel_size)
    shape = np.maximum(high - low, 1)
    if shape.prod() > MAX_VOXELS:
        raise ValueError(
            f"{name} spans {shape.astype(int).tolist()} voxels of {voxel_size}: normalise it or use larger voxels"
        )
    return low.astype(np.int64), shape.astype(np.int64)


def _crossings(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], shape: Int[np.ndarray, "2"]
) -> tuple[Int[np.ndarray, "hit"], Float[np.ndarray, "hit"], Int[np.ndarray, "hit"]]:
    """Find where vertical lines through integer (x, y) cross triangles: line (row-major), z, change of the winding.

    The side of an edge on which a line lies is computed identically for both of its triangles. A line therefore enters
    a closed mesh as often as it leaves it, and coplanar faces of overlapping parts all count; a ray caster guarantees
    neither.
    """
    flat = vertices[:, :2] - LINE_OFFSET
    first = np.maximum(np.ceil(flat[faces].min(1)), 0).astype(np.int64)
    last = np.minimum(np.floor(flat[faces].max(1)), shape - 1).astype(np.int64)
    sides = np.maximum(last - first + 1, 0)  # of the rectangle of lines that a triangle may cross
    counts = sides.prod(1)
    face = np.repeat(np.arange(len(faces)), counts)
    rank = np.arange(len(face)) - np.repeat(counts.cumsum() - counts, counts)
    line = first[face] + np.stack(np.divmod(rank, sides[face, 1]), -1)
    areas = []
    for edge in ([1, 2], [2, 0], [0, 1]):  # opposite corner 0, 1, 2
        start, end = (flat[corner] for corner in np.sort(faces[:, edge], 1)[face].T)
        (x, y), (u, v) = (end - start).T, (line - start).T
        areas.append((x * v - y * u) * np.sign(faces[:, edge[1]] - faces[:, edge[0]])[face])
    area = np.stack(areas, -1)  # twice the area of the line with each edge: barycentric, positive from above
    hit = (area > 0).all(1) | (area < 0).all(1)
    area, face, line = area[hit], face[hit], line[hit]
    height = (area * vertices[faces[face], 2]).sum(1) / area.sum(1)
    return line @ np.array([shape[1], 1]), height, -np.sign(area[:, 0]).astype(np.int64)


def _check_closed(mesh: Trimesh, name: str) -> None:
    """Raise ValueError if the mesh has a border: each edge must occur equally often in both directions."""
    start, end = np.asarray(mesh.edges, dtype=np.int64).T
    edge, number = np.unique(np.minimum(start, end) * len(mesh.vertices) + np.maximum(start, end), return_inverse=True)
    open_edges = int((np.bincount(number, np.sign(end - start), minlength=len(edge)) != 0).sum())
    if open_edges:
        raise ValueError(
            f"{name} must be closed to have an inside, but {open_edges} of its edges are open: fill its holes, orient "
            "its faces consistently, or merge duplicate vertices"
        )
