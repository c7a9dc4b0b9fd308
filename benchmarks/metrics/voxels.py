"""Voxels that a mesh fills, or that its surface passes through, and the overlap of two meshes in them.

The lattice is fixed to the origin and has no border, so that nothing that sticks out is cut off. Solid and surface
overlap of one prediction differ 4 to 15 times (specs/sam3d.md 4.2): state which.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from benchmarks.metrics.surface import Surface, Trimesh

VOXEL = 2 / 64  # 64 voxels along [-1, 1], SAM 3D's grid for normalised meshes
MOST = 512**3  # cells of the grid around one mesh; more is a mistake in units
BESIDE = np.array([0.01373, 0.00819])  # of a voxel, lines beside centres, where marching cubes puts its edges


def voxel_iou(
    pred_mesh: Trimesh, true_mesh: Trimesh, kind: Literal["solid", "surface"], voxel_size: float = VOXEL
) -> float:
    """Compute intersection over union of the voxels of two meshes: vIoU.

    Args:
        pred_mesh: predicted.
        true_mesh: true, in the same frame.
        kind: "solid" takes voxels whose centre lies inside, "surface" those that a triangle touches.
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
        raise ValueError(f"the true mesh holds no centre of a voxel of {voxel_size}: take smaller voxels")
    return overlap(pred, true)


def overlap(pred: Int[np.ndarray, "pred_voxel 3"], true: Int[np.ndarray, "true_voxel 3"]) -> float:
    """Compute intersection over union of two lists of voxels, of which the true one is not empty."""
    low = np.concatenate([pred, true]).min(0)
    shape = np.concatenate([pred, true]).max(0) - low + 1
    pred_numbers, true_numbers = (np.ravel_multi_index(tuple((voxels - low).T), shape) for voxels in (pred, true))
    shared = len(np.intersect1d(pred_numbers, true_numbers, assume_unique=True))
    return shared / (len(pred) + len(true) - shared)


def solid_voxels(mesh: Trimesh, voxel_size: float = VOXEL, name: str = "mesh") -> Int[np.ndarray, "voxel 3"]:
    """List the voxels whose centre lies inside a closed mesh; voxel (i, j, k) has centre (i + .5, j + .5, k + .5) side.

    Inside is where the winding number is not 0, so that overlapping parts of a composite are full (counting crossings
    by parity would leave their overlap empty) and cavities, whose faces point inwards, are empty. Faces on multiples
    of the side lie between centres: rounding does not move them.

    Raises:
        ValueError: the mesh is empty, not finite or not closed, or the voxels are too small for it.
    """
    Surface(mesh, name)
    _check_closed(mesh, name)
    low, shape = _grid(mesh, voxel_size, name)
    column, height, step = _crossings(mesh.vertices / voxel_size - low - 0.5, mesh.faces, shape[:2])
    steps = np.zeros((shape[0] * shape[1], shape[2] + 1), np.int32)  # of the winding number, upwards
    np.add.at(steps, (column, np.ceil(height).astype(np.int64).clip(0, shape[2])), step)
    inside = steps.cumsum(1)[:, :-1] != 0
    return np.asarray(np.argwhere(inside.reshape(shape)) + low)


def surface_voxels(mesh: Trimesh, voxel_size: float = VOXEL, name: str = "mesh") -> Int[np.ndarray, "voxel 3"]:
    """List the voxels that a triangle touches; voxel (i, j, k) has centre (i, j, k) side.

    Centres lie on multiples of the side because a normalised mesh ends at -1 or 1: between two voxels, rounding would
    decide which of them holds a whole face.

    Raises:
        ValueError: the mesh is empty or not finite, or the voxels are too small for it.
    """
    surface = Surface(mesh, name)
    low, shape = _grid(mesh, voxel_size, name)
    return np.asarray(surface.touched((low - 0.5) * voxel_size, shape + 1, voxel_size) + low)


def _grid(mesh: Trimesh, voxel_size: float, name: str) -> tuple[Int[np.ndarray, "3"], Int[np.ndarray, "3"]]:
    """Find the first voxel and the shape of the grid around a mesh."""
    if not 0 < voxel_size < np.inf:
        raise ValueError(f"voxels need a positive, finite side, got {voxel_size}")
    low, high = np.floor(mesh.bounds[0] / voxel_size), np.ceil(mesh.bounds[1] / voxel_size)
    shape = np.maximum(high - low, 1)
    if shape.prod() > MOST:
        raise ValueError(
            f"{name} spans {shape.astype(int).tolist()} voxels of {voxel_size}: normalise it or take larger ones"
        )
    return low.astype(np.int64), shape.astype(np.int64)


def _crossings(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], shape: Int[np.ndarray, "2"]
) -> tuple[Int[np.ndarray, "hit"], Float[np.ndarray, "hit"], Int[np.ndarray, "hit"]]:
    """List where vertical lines through whole numbers (x, y) cross triangles: line (row-major), z, step of the winding.

    Which side of an edge a line is on is computed alike for both of its triangles, so that a line enters a closed mesh
    as often as it leaves it, and coplanar faces of overlapping parts all count; a ray caster promises neither.
    """
    flat = vertices[:, :2] - BESIDE
    first = np.maximum(np.ceil(flat[faces].min(1)), 0).astype(np.int64)
    last = np.minimum(np.floor(flat[faces].max(1)), shape - 1).astype(np.int64)
    sides = np.maximum(last - first + 1, 0)  # of the rectangle of lines that a triangle may meet
    counts = sides.prod(1)
    face = np.repeat(np.arange(len(faces)), counts)
    rank = np.arange(len(face)) - np.repeat(counts.cumsum() - counts, counts)
    line = first[face] + np.stack(np.divmod(rank, sides[face, 1]), -1)
    areas = []
    for edge in ([1, 2], [2, 0], [0, 1]):  # opposite corner 0, 1, 2
        start, end = (flat[corner] for corner in np.sort(faces[:, edge], 1)[face].T)
        (x, y), (u, v) = (end - start).T, (line - start).T
        areas.append((x * v - y * u) * np.sign(faces[:, edge[1]] - faces[:, edge[0]])[face])
    area = np.stack(areas, -1)  # twice, of the triangles of the line and each edge: barycentric, positive from above
    hit = (area > 0).all(1) | (area < 0).all(1)
    area, face, line = area[hit], face[hit], line[hit]
    height = (area * vertices[faces[face], 2]).sum(1) / area.sum(1)
    return line @ np.array([shape[1], 1]), height, -np.sign(area[:, 0]).astype(np.int64)


def _check_closed(mesh: Trimesh, name: str) -> None:
    """Refuse a mesh with a border: each edge must be walked as often one way as the other."""
    start, end = np.asarray(mesh.edges, dtype=np.int64).T
    edge, number = np.unique(np.minimum(start, end) * len(mesh.vertices) + np.maximum(start, end), return_inverse=True)
    open_edges = int((np.bincount(number, np.sign(end - start), minlength=len(edge)) != 0).sum())
    if open_edges:
        raise ValueError(
            f"{name} must be closed to have an inside, but {open_edges} of its edges are open: fill its holes, orient "
            "its faces alike, or merge vertices that stand for the same point"
        )
