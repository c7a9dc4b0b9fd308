"""Compositions: which primitives, how they are joined, deformed, hollowed and cut, and how they look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import Mesh, transform_points, voxel_centres
from models.geometry import invert as inverse
from models.lifting.meshes.mesh import extract_mesh
from scenes.compositions.fields import Cut, Deformed, Field, Hollowed, Joined, Part
from scenes.meshes.solid import MeshSolid
from scenes.meshes.sources import MeshSource
from scenes.meshes.textured_mesh import TexturedMesh
from scenes.worlds.objects.palette import PALETTE, Colour
from scenes.worlds.objects.primitives import Primitive, Rotation, Shape, Vector
from scenes.worlds.objects.solid import obj_T_prim
from scenes.worlds.objects.textures import Texture, object_texture
from scenes.worlds.rendering.patterns import PATTERNS
from scenes.worlds.world_random import WorldRandom

FORMAT = 1  # raise it when the composition of the same seed has another shape or look
REACH = 0.9  # half the side of the box that a composition is drawn in
TRIES = 20
SMALLEST_SHARE = 0.002  # of the box, below which another composition is drawn
SMALLEST_PIECE = 0.05  # solid parts below this share of the largest are removed
UPRIGHT = 0.6  # share of compositions whose primitives stand upright, as most of what people make


@dataclass(frozen=True)
class Composition:
    """A solid, its parts in their order, and a texture for each of them."""

    field: Field
    parts: tuple[Part, ...]
    textures: tuple[Texture, ...]

    def colours(self, points: Float[Tensor, "point 3"]) -> Float[Tensor, "point 3"]:
        """Paint points (linear light) as the part whose surface is nearest, before deformation."""
        owner = torch.stack([part(points).abs() for part in self.parts]).argmin(0)
        colours = torch.zeros_like(points)
        for k, (part, texture) in enumerate(zip(self.parts, self.textures, strict=True)):
            own = owner == k
            local = transform_points(points[own], inverse(obj_T_prim(part.primitive)))
            place = local.T * texture.frequency + torch.tensor(texture.phase)[:, None]
            share = PATTERNS[texture.pattern](place)[:, None]
            main, other = torch.tensor(texture.colour), torch.tensor(texture.other)
            colours[own] = main + share * (other - main)
        return colours


class Compositions(MeshSource):
    """Random compositions, one for each seed.

    Args:
        seeds: first and last (exclusive).
        resolution: voxels along the box in which the surface is found.
    """

    def __init__(self, seeds: Sequence[int], resolution: int = 64) -> None:
        self.seeds, self.resolution = range(*seeds), resolution
        if not len(self.seeds):
            raise ValueError(f"seeds={list(seeds)} has no composition; give a first and a larger last seed")

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> MeshSolid:
        return make_composition(self.seeds[index], self.resolution)

    @property
    def identity(self) -> Sequence[str | int]:
        """Everything that determines them."""
        return ["compositions", FORMAT, self.seeds.start, self.seeds.stop, self.resolution]

    @property
    def about(self) -> str:
        """Count them."""
        return f"{len(self)} random compositions of primitives"


def make_composition(seed: int, resolution: int = 64) -> MeshSolid:
    """Draw the composition of a seed, and mesh it."""
    rng = WorldRandom(seed)
    for _ in range(TRIES):
        drawn = draw_composition(rng)
        points = 2 * REACH * voxel_centres(resolution, torch.zeros(1)).reshape(-1, 3)
        field = drawn.field(points).reshape(resolution, resolution, resolution)
        if float((field <= 0).float().mean()) > SMALLEST_SHARE:
            mesh = extract_mesh(-field, SMALLEST_PIECE)
            vertices = 2 * REACH * mesh.vertices
            looks = TexturedMesh(Mesh(vertices, mesh.faces), drawn.colours(vertices))
            return MeshSolid.centred(f"composition-{seed}", looks, watertight=True)
    raise AssertionError(f"composition {seed} is empty {TRIES} times")


def draw_composition(rng: WorldRandom) -> Composition:
    """Draw one to six primitives, and what happens to them."""
    upright = rng.chance(UPRIGHT)
    parts = [draw_part(rng, upright, (0.0, 0.0, 0.0), rng.uniform(0.25, 0.55))]
    for _ in range(rng.integer(0, 5)):
        on = rng.choice(parts).primitive
        centre = [c + rng.uniform(-1.0, 1.0) * r for c, r in zip(on.centre, on.reach(), strict=True)]
        inside = tuple(max(-0.6, min(0.6, c)) for c in centre)
        parts.append(draw_part(rng, upright, (inside[0], inside[1], inside[2]), rng.uniform(0.08, 0.35)))
    field: Field = Joined(tuple(parts), rng.uniform(0.02, 0.15) if rng.chance(0.4) else 0.0)
    if rng.chance(0.3):
        top = max(part.primitive.centre[2] + part.primitive.reach()[2] for part in parts)
        field = Hollowed(field, rng.uniform(0.04, 0.1), rng.uniform(0.0, 0.95) * top)
    if rng.chance(0.35):
        cutters = [draw_part(rng, upright, place(rng, 0.4), rng.uniform(0.08, 0.3)) for _ in range(rng.integer(1, 2))]
        field = Cut(field, tuple(cutters))
    if rng.chance(0.4):
        field = Deformed(field, rng.uniform(-1.5, 1.5), rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.4))
    colours = [draw_colour(rng) for _ in range(rng.integer(1, 3))]
    textures = [object_texture(rng, rng.choice(colours), 1.0) for _ in parts]
    return Composition(field, tuple(parts), tuple(textures))


def draw_part(rng: WorldRandom, upright: bool, centre: Vector, size: float) -> Part:
    """Draw a primitive of any kind, proportions and direction, smooth or with waves."""
    shape = rng.choice(tuple(Shape))
    a, b, c = (size * rng.log_uniform(0.35, 1.4) for _ in range(3))
    if shape == Shape.TORUS:
        b = a * rng.uniform(0.15, 0.45)
    if shape == Shape.FRUSTUM:
        b = a * rng.uniform(0.0, 1.3) if rng.chance(0.5) else a
    primitive = Primitive(shape, centre, (a, b, c), heading(rng) if upright else rotation(rng))
    if not rng.chance(0.25):
        return Part(primitive)
    return Part(primitive, size * rng.uniform(0.05, 0.15), rng.uniform(4.0, 12.0) / size, rng.uniform(0.0, 6.0))


def draw_colour(rng: WorldRandom) -> Colour:
    """Draw a named colour or any other, also dark and grey ones."""
    if rng.chance(0.3):
        return rng.choice(tuple(PALETTE.values()))
    brightness, grey = rng.uniform(0.05, 0.9), rng.unit()
    r, g, b = (brightness * (grey + (1 - grey) * rng.unit()) for _ in range(3))
    return (r**2, g**2, b**2)


def place(rng: WorldRandom, reach: float) -> Vector:
    """Draw a point of a cube."""
    return (rng.uniform(-reach, reach), rng.uniform(-reach, reach), rng.uniform(-reach, reach))


def heading(rng: WorldRandom) -> Rotation:
    """Draw a turn about the vertical, half of the time by nothing, with any axis of the primitive up."""
    turn = 0.0 if rng.chance(0.5) else rng.uniform(-math.pi, math.pi)
    c, s = math.cos(turn), math.sin(turn)
    rows = ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))
    if rng.chance(0.6):
        return rows
    x, y, z = ([row[k] for row in rows] for k in range(3))
    first, second, third = ((z, y, [-v for v in x]), (x, z, [-v for v in y]))[rng.integer(0, 1)]
    return _columns(first, second, third)


def rotation(rng: WorldRandom) -> Rotation:
    """Draw any rotation: a uniform unit quaternion, by Shoemake's method."""
    u, v, w = rng.unit(), 2 * math.pi * rng.unit(), 2 * math.pi * rng.unit()
    a, b = math.sqrt(1 - u), math.sqrt(u)
    x, y, z, r = a * math.sin(v), a * math.cos(v), b * math.sin(w), b * math.cos(w)
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * r), 2 * (x * z + y * r)),
        (2 * (x * y + z * r), 1 - 2 * (x * x + z * z), 2 * (y * z - x * r)),
        (2 * (x * z - y * r), 2 * (y * z + x * r), 1 - 2 * (x * x + y * y)),
    )


def _columns(x: Sequence[float], y: Sequence[float], z: Sequence[float]) -> Rotation:
    """Build a rotation from the axes of the primitive."""
    rows = [(x[k], y[k], z[k]) for k in range(3)]
    return (rows[0], rows[1], rows[2])
