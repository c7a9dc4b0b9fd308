"""Camera paths: static, panning, orbiting or travelling, always inside the room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scenes.worlds.objects.primitives import Vector
from scenes.worlds.world_random import WorldRandom

KINDS = ("static", "pan", "orbit", "travel")
WALL_MARGIN = 0.2  # metres between camera and wall, before the world is rescaled


@dataclass(frozen=True, slots=True)
class CameraPose:
    """A camera without roll at `position` that looks towards `target`."""

    position: Vector
    target: Vector

    def world_T_cam(self) -> list[list[float]]:
        """Build the pose: columns right, down, forward (OpenCV axes) in the z-up world."""
        fx, fy, fz = (t - p for t, p in zip(self.target, self.position, strict=True))
        flat, norm = math.hypot(fx, fy), math.sqrt(fx * fx + fy * fy + fz * fz)
        fx, fy, fz = fx / norm, fy / norm, fz / norm
        rx, ry = fy * norm / flat, -fx * norm / flat
        down = (-fz * ry, fz * rx, fx * ry - fy * rx)  # forward x right
        x, y, z = self.position
        return [[rx, down[0], fx, x], [ry, down[1], fy, y], [0.0, down[2], fz, z], [0.0, 0.0, 0.0, 1.0]]


def camera_path(
    rng: WorldRandom, room: Vector, moments: Sequence[float], kinds: Sequence[str] = KINDS
) -> list[CameraPose]:
    """Draw a path around a point near the middle of the room, one pose for each normalised time in `moments`.

    The room spans +-room/2 in x and y, and 0 to room z. The extent of the movement does not depend on the interval.
    """
    kind = rng.choice(kinds)
    focus = (rng.uniform(-0.22, 0.22) * room[0], rng.uniform(-0.22, 0.22) * room[1], rng.uniform(0.05, 0.45))
    while True:  # ends: a draw close to the focus with little movement is inside
        distance, azimuth = rng.log_uniform(0.75, 3.6), rng.uniform(-math.pi, math.pi)
        height = min(rng.uniform(0.18, 0.75) * distance + focus[2], rng.uniform(0.5, 0.85) * room[2])
        sweep = rng.sign() * math.radians(rng.uniform(8.0, 50.0))
        slide = [rng.uniform(-0.35, 0.35) * distance for _ in range(3)]
        path = []
        for u in moments:
            s = u - 0.5
            angle = azimuth + (sweep * s if kind == "orbit" else 0.0)
            x, y, z = focus[0] + distance * math.cos(angle), focus[1] + distance * math.sin(angle), height
            target = focus
            if kind == "travel":
                x, y, z = x + slide[0] * s, y + slide[1] * s, z + 0.5 * slide[2] * s
            if kind == "pan":
                away = azimuth + math.pi + 0.6 * sweep * s
                target = (x + distance * math.cos(away), y + distance * math.sin(away), focus[2])
            path.append(CameraPose((x, y, z), target))
        if all(inside(pose.position, room) for pose in path):
            return path


def inside(position: Vector, room: Vector) -> bool:
    """Tell whether a camera keeps its distance from all six walls."""
    x, y, z = position
    flat = abs(x) < room[0] / 2 - WALL_MARGIN and abs(y) < room[1] / 2 - WALL_MARGIN
    return flat and WALL_MARGIN < z < room[2] - WALL_MARGIN
