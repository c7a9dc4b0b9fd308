"""True objects of lifting: the surface, and everything else that predictions are compared with, made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from benchmarks.metrics.earth_mover import earth_mover_floor
from benchmarks.metrics.mesh import normalized
from benchmarks.metrics.object_pose import diameter
from benchmarks.metrics.surface import Surface, Trimesh
from benchmarks.metrics.voxels import solid_voxels, surface_voxels
from models.lifting.meshes.mesh import extract_mesh
from scenes.masked_object import MaskedObject, Solid
from scenes.photographs.photo import TrueShape
from scenes.storage.atomic import new_file

RESOLUTION = 96  # voxels along the cube of the true surface; its error is far below the threshold of F1@0.01
EMD_POINTS = 256  # samples for the earth mover's distance: few enough for milliseconds, with a reported floor


@dataclass(frozen=True)
class Truth:
    """One true object. Voxels and floor belong to the mesh after `normalized`."""

    mesh: Trimesh  # the outer surface in the object's cube [-0.5, 0.5]^3; of a photographed object, its mesh as given
    cam_T_obj: Float[np.ndarray, "4 4"]  # NaN where it is not known
    scale: float  # side of the cube, metres
    diameter: float  # in units of the cube
    solid: Int[np.ndarray, "solid_voxel 3"]
    shell: Int[np.ndarray, "shell_voxel 3"]
    floor: float  # earth mover's distance between two samplings of the mesh
    watertight: bool = True  # else its solid voxels are not beyond doubt, and solid IoU is left out
    box_alone: bool = False  # whether the mesh is but the box of an object

    @property
    def placed(self) -> bool:
        """Whether its pose and scale in the camera are known."""
        return bool(np.isfinite(self.cam_T_obj).all() and np.isfinite(self.scale))

    @cached_property
    def normalized(self) -> Surface:
        """The surface, centred and scaled to [-1, 1]."""
        return Surface(normalized(self.mesh), "the true mesh")

    @cached_property
    def in_camera(self) -> Surface:
        """The surface in the camera frame, metres."""
        return Surface(in_camera(self.mesh, self.cam_T_obj, self.scale), "the true mesh")


def outer_mesh(solid: Solid, resolution: int = RESOLUTION) -> Trimesh:
    """Mesh the outer surface of an object in its cube; the meshes of its parts would overlap inside."""
    surface = extract_mesh(-solid.distance_grid(resolution), smallest=0.0)
    return Trimesh(surface.vertices.numpy(), surface.faces.numpy(), process=False)


def given_mesh(shape: TrueShape) -> Trimesh:
    """Take the mesh of a photographed object as its data set gives it; vertices at one place become one."""
    mesh = Trimesh(shape.mesh.vertices.double().numpy(), shape.mesh.faces.numpy(), process=False)
    mesh.merge_vertices()
    return mesh


def make_truth(
    mesh: Trimesh, item: MaskedObject, watertight: bool = True, closed: bool = True, box_alone: bool = False
) -> Truth:
    """Compute everything that the predictions of an item are compared with; a mesh that is not closed has no voxels."""
    unit = normalized(mesh)
    return Truth(
        mesh,
        item.cam_T_obj.double().numpy(),
        float(item.scale),
        diameter(mesh),
        solid_voxels(unit) if closed else np.empty((0, 3), np.int64),
        surface_voxels(unit),
        earth_mover_floor(unit, EMD_POINTS),
        watertight,
        box_alone,
    )


def write_truth(path: Path, truth: Truth) -> None:
    """Write a truth atomically."""
    with new_file(path) as draft, draft.open("wb") as file:
        np.savez(
            file,
            vertices=truth.mesh.vertices.astype(np.float32),
            faces=truth.mesh.faces.astype(np.int32),
            cam_T_obj=truth.cam_T_obj,
            numbers=np.array([truth.scale, truth.diameter, truth.floor]),
            watertight=truth.watertight,
            box_alone=truth.box_alone,
            solid=truth.solid.astype(np.int16),
            shell=truth.shell.astype(np.int16),
        )


def read_truth(path: Path) -> Truth:
    """Read a truth that `write_truth` wrote."""
    with np.load(path) as arrays:
        scale, diameter_, floor = arrays["numbers"].tolist()
        return Truth(
            Trimesh(arrays["vertices"].astype(np.float64), arrays["faces"].astype(np.int64), process=False),
            arrays["cam_T_obj"],
            scale,
            diameter_,
            arrays["solid"].astype(np.int64),
            arrays["shell"].astype(np.int64),
            floor,
            bool(arrays.get("watertight", True)),  # files of procedural objects from before it was written
            bool(arrays.get("box_alone", False)),
        )


def in_camera(mesh: Trimesh, cam_T_obj: Float[np.ndarray, "4 4"], scale: float) -> Trimesh:
    """Transform a copy of a mesh from its cube to the camera frame, metres."""
    similarity = cam_T_obj.astype(np.float64)
    similarity[:3, :3] *= scale
    moved = mesh.copy()
    moved.apply_transform(similarity)
    return moved


def make_truths_once(solid: Solid, items: Sequence[tuple[Path, MaskedObject]]) -> None:
    """Mesh and measure a true object that all items show, and write it for each, unless its file exists."""
    missing = [(path, item) for path, item in items if not path.is_file()]
    if not missing:
        return
    torch.set_num_threads(1)
    if isinstance(solid, TrueShape):
        mesh = given_mesh(solid)
        closed = bool(mesh.is_watertight and mesh.is_winding_consistent)
        truth = make_truth(mesh, missing[0][1], closed, closed, solid.box_alone)
    else:
        truth = make_truth(outer_mesh(solid), missing[0][1], solid.watertight)
    for path, item in missing:
        posed = replace(truth, cam_T_obj=item.cam_T_obj.double().numpy(), scale=float(item.scale))
        write_truth(path, posed)
