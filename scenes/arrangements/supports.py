"""What an object stands on: a floor, a table, a shelf, or a stack of boxes; all of boxes, and the room around."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch

from models.geometry import Mesh
from scenes.worlds.objects.primitives import Vector, box
from scenes.worlds.objects.solid import primitive_mesh
from scenes.worlds.objects.textures import Texture, floor_texture, wall_texture
from scenes.worlds.world_random import WorldRandom

Place = Literal["floor", "table", "shelf", "stack"]
BOARD = 0.03  # thickness of the boards of furniture, metres


@dataclass(frozen=True)
class Board:
    """A box of furniture: centre and half extents (metres, world frame), turned about the vertical."""

    centre: Vector
    half: Vector
    texture: Texture
    yaw: float = 0.0

    def mesh(self) -> Mesh:
        """Mesh its surface in the world frame, facing outwards."""
        flat = primitive_mesh(box((0.0, 0.0, 0.0), self.half), 4)
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        return Mesh(flat.vertices @ turn.T + torch.tensor(self.centre), flat.faces)


@dataclass(frozen=True)
class Support:
    """The surface at height 0 that the object stands on at the origin.

    Args:
        boards: of the furniture.
        floor: height of the floor of the room (metres, at most 0).
        reach: half extents along x and y of the surface on which others may stand beside the object (metres).
        front: (least, most) azimuth of cameras that see the object (radians); of all directions if None.
        steepest: largest elevation of such cameras (radians).
    """

    boards: tuple[Board, ...]
    floor: float
    reach: tuple[float, float]
    front: tuple[float, float] | None = None
    steepest: float = math.pi / 2


def floor(rng: WorldRandom, size: float) -> Support:
    """Stand on the floor."""
    return Support((), 0.0, (4 * size, 4 * size))


def table(rng: WorldRandom, size: float) -> Support:
    """Stand on a top on four legs, somewhere near its middle."""
    half = (size + rng.uniform(0.1, 0.5), size + rng.uniform(0.1, 0.5))
    x, y = (rng.uniform(-0.6, 0.6) * (h - 0.6 * size) for h in half)
    height, top = rng.uniform(0.4, 0.9), wall_texture(rng) if rng.chance(0.5) else floor_texture(rng)
    leg = (0.03, 0.03, (height - BOARD) / 2)
    corners = [(x + i * (half[0] - 0.05), y + j * (half[1] - 0.05)) for i in (-1, 1) for j in (-1, 1)]
    legs = [Board((*corner, -(height + BOARD) / 2), leg, top) for corner in corners]
    board = Board((x, y, -BOARD / 2), (*half, BOARD / 2), top)
    return Support((board, *legs), -height, (half[0] - abs(x), half[1] - abs(y)))


def shelf(rng: WorldRandom, size: float) -> Support:
    """Stand on a board between two sides, a back (at +y) and the board above; cameras look from the front (-y)."""
    wide, deep = size * rng.uniform(1.0, 2.5), size * rng.uniform(0.6, 0.9)
    tall, below = size * rng.uniform(1.2, 1.8), rng.uniform(0.2, 1.2)
    wood = floor_texture(rng) if rng.chance(0.5) else wall_texture(rng)
    t, middle = BOARD / 2, (tall - below) / 2
    boards = [Board((0.0, 0.0, z), (wide, deep, t), wood) for z in (-t, tall + t)]
    boards += [Board((i * (wide + t), 0.0, middle), (t, deep, (tall + below) / 2), wood) for i in (-1, 1)]
    boards.append(Board((0.0, deep + t, middle), (wide, t, (tall + below) / 2), wood))
    front = (-math.pi / 2 - 0.7, -math.pi / 2 + 0.7)
    return Support(tuple(boards), -below, (wide, deep), front, math.radians(25))


def stack(rng: WorldRandom, size: float) -> Support:
    """Stand on one to three boxes on the floor or on a table, each larger than the one above."""
    boards, z, half = [], 0.0, size * rng.uniform(0.4, 0.7)
    for _ in range(rng.integer(1, 3)):
        thick, texture = size * rng.uniform(0.05, 0.3), wall_texture(rng)
        long, yaw = half * rng.uniform(1.0, 1.5), rng.uniform(-math.pi, math.pi)
        boards.append(Board((0.0, 0.0, z - thick / 2), (long, half, thick / 2), texture, yaw))
        z, half = z - thick, max(half, long) * rng.uniform(1.0, 1.2)
    under = (table if rng.chance(0.5) else floor)(rng, 2 * size)
    lowered = [Board((b.centre[0], b.centre[1], b.centre[2] + z), b.half, b.texture, b.yaw) for b in under.boards]
    return Support((*boards, *lowered), under.floor + z, (0.0, 0.0))


SUPPORTS = MappingProxyType[Place, Callable[[WorldRandom, float], Support]](
    {"floor": floor, "table": table, "shelf": shelf, "stack": stack}
)
