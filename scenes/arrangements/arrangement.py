"""Arrangements: an object on its support, others beside and before it, a room, a lamp and a camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from scenes.arrangements.supports import SUPPORTS, Place, Support
from scenes.sensor_depth import SensorDepth
from scenes.worlds.objects.primitives import Vector
from scenes.worlds.objects.textures import Texture, room_textures
from scenes.worlds.world_random import WorldRandom

POSITIONS = 30  # tried for an object beside others before it is left out
BEFORE = 0.5  # share of the others that stand towards the camera


@dataclass(frozen=True)
class ArrangementConfig:
    """The distribution of pictures of meshes.

    Args:
        height: of the picture, pixels.
        width: of the picture, pixels.
        places: what objects stand on, drawn with equal chance.
        sizes: (least, most) largest side of the object, metres; the unit of a mesh file is not relied on.
        clutter: (least, most) other objects beside it.
        hfov_deg: (least, most) horizontal field of view.
        elevation_deg: (least, most) height of the camera above the object, as an angle.
        apparent: (least, most) size of the object in the picture, as a share of its width.
        cut: share of pictures whose frame may cut the object.
        most_hidden: largest hidden share of the object's silhouette in the picture.
        smallest: least visible pixels of the object, as a share of the picture.
        sensor: errors of a depth camera; None for exact depth.
        resolution: voxels along an axis of the distance grid.
    """

    height: int = 96
    width: int = 96
    places: Sequence[Place] = get_args(Place)
    sizes: Sequence[float] = (0.08, 0.6)
    clutter: Sequence[int] = (0, 5)
    hfov_deg: Sequence[float] = (40.0, 70.0)
    elevation_deg: Sequence[float] = (8.0, 60.0)
    apparent: Sequence[float] = (0.25, 0.8)
    cut: float = 0.15
    most_hidden: float = 0.8
    smallest: float = 0.01
    sensor: SensorDepth | None = None
    resolution: int = 32

    def __post_init__(self) -> None:
        for name in ("places", "sizes", "clutter", "hfov_deg", "elevation_deg", "apparent"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        unknown = [place for place in self.places if place not in SUPPORTS]
        if unknown or not self.places:
            raise ValueError(f"places={list(self.places)} has {unknown or 'none'}: choose from {', '.join(SUPPORTS)}")
        for name in ("sizes", "clutter", "hfov_deg", "elevation_deg", "apparent"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise ValueError(f"{name}={[low, high]} is no range from a smaller to a larger number of 0 or more")


@dataclass(frozen=True)
class Placed:
    """An object that stands upright (world frame, metres, radians)."""

    index: int  # in the list of objects that were to be arranged
    scale: float  # side of its cube, metres
    centre: Vector  # of its cube
    yaw: float

    def world_T_obj(self) -> Float[Tensor, "4 4"]:
        """Build its pose."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        x, y, z = self.centre
        return torch.tensor([[c, -s, 0.0, x], [s, c, 0.0, y], [0.0, 0.0, 1.0, z], [0.0, 0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Arrangement:
    """Everything in a picture; the first of `placed` is the object that it is of. World frame: z up, metres."""

    placed: tuple[Placed, ...]
    support: Support
    room: float  # half of its width and depth
    ceiling: float
    surfaces: tuple[Texture, ...]  # as of worlds
    world_T_cam: Float[Tensor, "4 4"]
    hfov_deg: float
    light: Vector
    warmth: float
    noise: float  # standard deviation, of full brightness


def arrange(rng: WorldRandom, sizes: Sequence[Vector], config: ArrangementConfig) -> Arrangement:
    """Arrange objects: the first as the one that the picture is of, and others where they find a place.

    `sizes` are the sides of their boxes in units of their cubes. Half of the others stand towards the camera.
    """
    largest = rng.log_uniform(*config.sizes)
    support = SUPPORTS[rng.choice(config.places)](rng, largest)
    placed = [stand(rng, 0, sizes[0], largest)]
    hfov_deg = rng.uniform(*config.hfov_deg)
    world_T_cam, away = camera(rng, placed[0], largest, support, hfov_deg, config)
    azimuth = math.atan2(float(world_T_cam[1, 3]), float(world_T_cam[0, 3]))
    radii = [footprint(sizes[0], placed[0].scale)]
    for index, size in enumerate(sizes[1:], 1):
        other, before = stand(rng, index, size, largest * rng.uniform(0.5, 1.5)), rng.chance(BEFORE)
        radius = footprint(size, other.scale)
        for _ in range(POSITIONS):
            turn = azimuth + rng.uniform(-0.6, 0.6) if before else rng.uniform(-math.pi, math.pi)
            apart = (radii[0] + radius) * rng.uniform(1.05, 1.6 if before else 4.0)
            x, y = apart * math.cos(turn), apart * math.sin(turn)
            inside = all(abs(v) + radius <= reach for v, reach in zip((x, y), support.reach, strict=True))
            free = all(math.dist((x, y), p.centre[:2]) > radius + r for p, r in zip(placed, radii, strict=True))
            if inside and free and math.dist((x, y), world_T_cam[:2, 3].tolist()) > radius:
                placed.append(replace(other, centre=(x, y, other.centre[2])))
                radii.append(radius)
                break
    room = rng.uniform(1.2, 3.0) * (away + largest)
    ceiling = max(support.floor + rng.uniform(2.3, 3.2), float(world_T_cam[2, 3]) + 0.3)
    return Arrangement(
        placed=tuple(placed),
        support=support,
        room=room,
        ceiling=ceiling,
        surfaces=room_textures(rng),
        world_T_cam=world_T_cam,
        hfov_deg=hfov_deg,
        light=(rng.uniform(-0.7, 0.7) * room, rng.uniform(-0.7, 0.7) * room, rng.uniform(0.7, 0.95) * ceiling),
        warmth=rng.unit(),
        noise=rng.uniform(0.0, 0.02),
    )


def stand(rng: WorldRandom, index: int, size: Vector, largest: float) -> Placed:
    """Stand an object upright at the origin, with a random heading."""
    scale = largest / max(size)
    return Placed(index, scale, (0.0, 0.0, scale * size[2] / 2), rng.uniform(-math.pi, math.pi))


def footprint(size: Vector, scale: float) -> float:
    """Measure the radius of the circle that an object stands in, whatever its heading."""
    return scale * math.hypot(size[0], size[1]) / 2


def camera(
    rng: WorldRandom, of: Placed, largest: float, support: Support, hfov_deg: float, config: ArrangementConfig
) -> tuple[Float[Tensor, "4 4"], float]:
    """Draw a camera that sees the object in its apparent size: `world_T_cam`, and the distance (metres).

    It looks past the object by up to a third of the picture, and up to a half where the frame may cut it.
    """
    low, high = (math.radians(angle) for angle in config.elevation_deg)
    azimuth = rng.uniform(*(support.front or (-math.pi, math.pi)))
    elevation = rng.uniform(min(low, support.steepest), min(high, support.steepest))
    tangent = math.tan(math.radians(hfov_deg) / 2)
    apparent = rng.uniform(*config.apparent)
    away = largest / (2 * tangent * apparent) + largest / 2
    flat = away * math.cos(elevation)
    eye = torch.tensor([flat * math.cos(azimuth), flat * math.sin(azimuth), of.centre[2] + away * math.sin(elevation)])
    ahead = torch.nn.functional.normalize(torch.tensor(of.centre) - eye, dim=0)
    right = torch.nn.functional.normalize(torch.linalg.cross(ahead, torch.tensor([0.0, 0.0, 1.0])), dim=0)
    down = torch.linalg.cross(ahead, right)
    free = 1.0 if rng.chance(config.cut) else max(0.0, 0.9 - apparent)
    shift = [rng.uniform(-0.5, 0.5) * free * 2 * tangent for _ in range(2)]
    ahead = torch.nn.functional.normalize(ahead + shift[0] * right + shift[1] * down, dim=0)
    right = torch.nn.functional.normalize(torch.linalg.cross(ahead, torch.tensor([0.0, 0.0, 1.0])), dim=0)
    pose = torch.eye(4)
    pose[:3, :3] = torch.stack([right, torch.linalg.cross(ahead, right), ahead], 1)
    pose[:3, 3] = eye
    return pose, away
