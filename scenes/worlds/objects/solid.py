"""Objects as solids: which points they hold, and triangle meshes of their surface, in the frame of the object."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import Mesh, invert, matrix, transform_points
from scenes.worlds.objects.primitives import Primitive, Shape, box
from scenes.worlds.rendering.intersections import distance_to_surface
from scenes.worlds.world import World, WorldObject


def occupancy(obj: WorldObject, points: Float[Tensor, "point 3"]) -> Bool[Tensor, "point"]:
    """Tell which points (metres, in the frame of the object) lie inside any of its primitives."""
    return signed_distance(obj, points) <= 0


def signed_distance(obj: WorldObject, points: Float[Tensor, "point 3"]) -> Float[Tensor, "point"]:
    """Evaluate a distance to the surface (metres, negative inside): exact on it, to first order beside it."""
    gaps = []
    for primitive in obj.primitives:
        local = transform_points(points, invert(obj_T_prim(primitive)).to(points))
        size = torch.tensor(primitive.size).to(points)[:, None].expand(3, len(points))
        gaps.append(distance_to_surface(primitive.shape, local.T, size))
    return torch.stack(gaps).amin(0)


def obj_T_prim(primitive: Primitive) -> Float[Tensor, "4 4"]:
    """Build the pose of a primitive in its object."""
    return matrix(torch.tensor(primitive.rotation), torch.tensor(primitive.centre))


def object_mesh(obj: WorldObject, segments: int = 48) -> Mesh:
    """Mesh an object: the closed meshes of its primitives side by side; where they overlap, inner faces remain.

    Args:
        obj: the object.
        segments: corners of a circle; a chord lies at most radius * (1 - cos(pi / segments)) inside it.
    """
    return joined([primitive_mesh(p, segments) for p in obj.primitives])


def world_mesh(world: World, frame: int, segments: int = 48) -> list[Mesh]:
    """Mesh the objects of a world, posed at a frame; one mesh an object."""
    meshes = []
    for obj in world.objects:
        pose = torch.tensor(obj.world_T_obj([world.moments[frame]])[0])
        mesh = object_mesh(obj, segments)
        meshes.append(Mesh(transform_points(mesh.vertices, pose), mesh.faces))
    return meshes


def room_mesh(world: World) -> Mesh:
    """Mesh the walls, floor and ceiling of a room, facing inwards."""
    x, y, z = world.room
    mesh = primitive_mesh(box((0.0, 0.0, z / 2), (x / 2, y / 2, z / 2)), 4)
    return Mesh(mesh.vertices, mesh.faces.flip(-1))


def joined(meshes: list[Mesh]) -> Mesh:
    """Put meshes side by side into one."""
    first = torch.tensor([0] + [len(mesh.vertices) for mesh in meshes]).cumsum(0)
    faces = [mesh.faces + start for mesh, start in zip(meshes, first[:-1], strict=True)]
    return Mesh(torch.cat([mesh.vertices for mesh in meshes]), torch.cat(faces))


def primitive_mesh(primitive: Primitive, segments: int) -> Mesh:
    """Mesh one primitive in the frame of its object."""
    a, b, c = primitive.size
    turn = torch.linspace(0, 2 * math.pi, segments + 1)
    if primitive.shape == Shape.BOX:
        corner = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]])
        mesh = lofted(torch.tensor([0.0, 1.0, 1.0, 0.0]), torch.tensor([-1.0, -1.0, 1.0, 1.0]), corner)
        scale = (a, b, c)
    else:
        circle = torch.stack([turn.cos(), turn.sin()], -1)
        if primitive.shape == Shape.ELLIPSOID:
            lift = torch.linspace(-math.pi / 2, math.pi / 2, segments // 2 + 1)
            mesh, scale = lofted(lift.cos(), lift.sin(), circle), (a, b, c)
        elif primitive.shape == Shape.FRUSTUM:
            mesh = lofted(torch.tensor([0.0, a, b, 0.0]), torch.tensor([-c, -c, c, c]), circle)
            scale = (1.0, 1.0, 1.0)
        else:
            mesh, scale = lofted(a + b * turn.cos(), b * turn.sin(), circle), (1.0, 1.0, 1.0)
    return Mesh(transform_points(mesh.vertices * torch.tensor(scale), obj_T_prim(primitive)), mesh.faces)


def lofted(radius: Float[Tensor, "level"], height: Float[Tensor, "level"], outline: Float[Tensor, "corner 2"]) -> Mesh:
    """Sweep a closed outline (first corner repeated at the end) through levels, each with its radius and height."""
    flat = radius[:, None, None] * outline
    vertices = torch.cat([flat, height[:, None, None].expand(*flat.shape[:2], 1)], -1)
    levels, corners = vertices.shape[:2]
    index = torch.arange(levels * corners).view(levels, corners)
    a, b, c, d = (x.flatten() for x in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    faces = torch.cat([torch.stack([a, b, c], -1), torch.stack([a, c, d], -1)])
    vertices = vertices.flatten(0, 1)
    edges = vertices[faces[:, 1:]] - vertices[faces[:, :1]]
    area = torch.linalg.cross(edges[:, 0], edges[:, 1]).norm(dim=-1)
    return Mesh(vertices, faces[area > 1e-12])  # a level of radius 0 makes triangles without area
