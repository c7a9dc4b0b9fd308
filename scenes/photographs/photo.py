"""A photographed object, the shape that its data set gives it, and sources of such objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import Mesh
from scenes.masked_object import MARGIN
from scenes.meshes.reading import MeshFile
from scenes.meshes.solid import MeshSolid, box_around
from scenes.meshes.textured_mesh import TexturedMesh

CORNERS = tuple((x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1))
SIDES = (  # triangles of a box by its corners, counter-clockwise from outside
    *((0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)),
    *((2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)),
)


@dataclass(frozen=True)
class TrueShape:
    """The shape of an object as its data set gives it, scaled and moved into the cube, z up.

    Args:
        name: of the object.
        mesh: in the cube [-0.5, 0.5]^3; with `box_alone`, the box of an object whose mesh is not known.
        watertight: whether every edge has two triangles.
        file_T_cube: similarity from the cube to the frame of the file.
        box_alone: whether the mesh stands for nothing but a box.
    """

    name: str
    mesh: Mesh
    watertight: bool
    file_T_cube: Float[Tensor, "4 4"]
    box_alone: bool = False

    @classmethod
    def of(cls, name: str, file: MeshFile, box_alone: bool = False) -> TrueShape:
        """Move a mesh file into the cube.

        Raises:
            ValueError: it has no extent.
        """
        mesh = file.looks.mesh
        centre, largest = box_around(mesh, name)
        file_T_cube = torch.eye(4)
        file_T_cube[:3, :3] = file.object_R_file.T * (largest / MARGIN)
        file_T_cube[:3, 3] = file.object_R_file.T @ centre
        cube = Mesh((mesh.vertices - centre) * (MARGIN / largest), mesh.faces)
        return cls(name, cube, file.watertight, file_T_cube, box_alone)

    def distance_grid(self, resolution: int) -> Float[Tensor, "x y z"]:
        """Evaluate its signed distance (`MeshSolid.distance_grid`)."""
        looks = TexturedMesh(self.mesh, torch.zeros_like(self.mesh.vertices))
        return MeshSolid(self.name, looks, self.watertight).distance_grid(resolution)


@dataclass(frozen=True)
class ObjectPhoto:
    """An object in a picture; None stands for what is not known of it."""

    image: UInt8[Tensor, "3 height width"]
    mask: Bool[Tensor, "height width"]  # without a pixel, every method fails on the object
    shape: TrueShape
    depth: Float[Tensor, "height width"] | None = None  # metres, 0 where unknown
    intrinsics: Float[Tensor, "3 3"] | None = None
    cam_T_file: Float[Tensor, "4 4"] | None = None  # similarity from the frame of the mesh file, OpenCV axes, metres
    hidden: float | None = None  # share of the silhouette that other objects hide


class PhotoSource(ABC):
    """A sequence of photographed objects. `identity` is everything that determines them, in JSON types."""

    @abstractmethod
    def __len__(self) -> int:
        """Count the objects, one for each picture of each."""

    @abstractmethod
    def __getitem__(self, index: int) -> ObjectPhoto:
        """Read one object in its picture."""

    @abstractmethod
    def shape(self, index: int) -> TrueShape:
        """Read the shape of an object alone."""

    @property
    @abstractmethod
    def identity(self) -> Any:
        """Everything that determines the objects."""

    @property
    @abstractmethod
    def about(self) -> str:
        """Describe the objects in a report."""


def plural(count: int, noun: str) -> str:
    """Count things in words: "1 photo", "2 photos"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def box_file(low: Float[Tensor, "3"], high: Float[Tensor, "3"], object_R_file: Float[Tensor, "3 3"]) -> MeshFile:
    """Make the mesh of a box between two corners of a file's frame."""
    corners = (low + torch.tensor(CORNERS) * (high - low)) @ object_R_file.T
    mesh = Mesh(corners.float(), torch.tensor(SIDES))
    return MeshFile(TexturedMesh(mesh, torch.zeros_like(mesh.vertices)), True, object_R_file)
