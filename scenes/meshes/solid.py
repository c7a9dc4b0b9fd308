"""A mesh as a solid in its cube: its signed distance, whose sign is that of the winding number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import Mesh, voxel_centres
from scenes.masked_object import MARGIN
from scenes.meshes.ray_casting import RayCaster
from scenes.meshes.textured_mesh import TexturedMesh

ENCLOSED = 0.5  # winding number from which on a point is inside
CLOSED, OPEN = 5, 16  # rays a point: the winding number of a closed mesh is the same in every direction
COARSE = 32  # voxels along the cube of a grid that is evaluated everywhere
SHEET = 0.75  # half the thickness, in voxels, that a surface without an inside gets


@dataclass(frozen=True)
class MeshSolid:
    """An object of meshes, z up, its box centred in the cube [-0.5, 0.5]^3 with its largest side at `MARGIN`.

    Args:
        name: of the object, by which test objects are held out.
        looks: the mesh with its colours.
        watertight: whether every edge has two triangles, so that its volume is beyond doubt.
    """

    name: str
    looks: TexturedMesh
    watertight: bool

    @classmethod
    def centred(cls, name: str, looks: TexturedMesh, watertight: bool) -> MeshSolid:
        """Move a mesh of any size and place into the cube.

        Raises:
            ValueError: it has no extent.
        """
        centre, largest = box_around(looks.mesh, name)
        mesh = Mesh((looks.mesh.vertices - centre) * (MARGIN / largest), looks.mesh.faces)
        return cls(name, TexturedMesh(mesh, looks.colours, looks.uv, looks.texture), watertight)

    @cached_property
    def extents(self) -> Float[Tensor, "3"]:
        """The sides of its box, in units of the cube."""
        used = self.looks.mesh.vertices[self.looks.mesh.faces.unique()]
        return used.amax(0) - used.amin(0)

    @cached_property
    def caster(self) -> RayCaster:
        """Its mesh, to be searched by rays."""
        return RayCaster([self.looks.mesh])

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "caster"}  # which stays in its process

    def distance_grid(self, resolution: int) -> Float[Tensor, "x y z"]:
        """Evaluate the signed distance at the voxel centres of the cube, in units of the cube, negative inside.

        Points whose winding number is at least one half are inside; less than minus one half, too, because a mesh may
        be inside out. Of a mesh that is not watertight, every surface is also a sheet of 1.5 voxels, so that a part
        without an inside (a leaf, an open bowl) stays. On grids finer than 32, values farther from the surface than a
        coarse voxel are those of the coarse grid.
        """
        points = voxel_centres(resolution, torch.zeros(1)).reshape(-1, 3)
        if resolution <= COARSE:
            signed, away = self._signed(points)
        else:
            low = voxel_centres(COARSE, torch.zeros(1)).reshape(-1, 3)
            at = ((points + 0.5) * COARSE).long().clamp(0, COARSE - 1)
            signed, away = (value[at @ torch.tensor([COARSE**2, COARSE, 1])] for value in self._signed(low))
            near = away < 3**0.5 / COARSE  # twice as far as a point can be from its coarse centre
            signed[near], away[near] = self._signed(points[near])
        if not self.watertight:
            signed = torch.minimum(signed, away - SHEET / resolution)
        return signed.reshape(resolution, resolution, resolution)

    def _signed(self, points: Float[Tensor, "point 3"]) -> tuple[Float[Tensor, "point"], Float[Tensor, "point"]]:
        """Measure the signed and unsigned distance to the mesh."""
        away = self.caster.distance(points)
        inside = self.caster.winding_number(points, CLOSED if self.watertight else OPEN).abs() >= ENCLOSED
        return torch.where(inside, -away, away), away


def box_around(mesh: Mesh, name: str) -> tuple[Float[Tensor, "3"], Float[Tensor, ""]]:
    """Find the centre of the box of a mesh, and its largest side, in the unit of the mesh.

    Raises:
        ValueError: the mesh has no extent.
    """
    used = mesh.vertices[mesh.faces.unique()]
    low, high = used.amin(0), used.amax(0)
    largest = (high - low).amax()
    if not bool(largest > 0):
        raise ValueError(f"{name} has no extent: all its triangles lie at one point")
    return (low + high) / 2, largest
