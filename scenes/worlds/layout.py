"""Draw a world: times, room, camera, then objects one by one where they are seen and touch nothing, ever."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from scenes.worlds.camera_paths import CameraPose, camera_path
from scenes.worlds.dice import Dice
from scenes.worlds.families import FAMILIES, assemble
from scenes.worlds.motion import MOTIONS, REST, FloorPose, Motion
from scenes.worlds.palette import DARK, PALETTE, STEEL, WOOD, Colour, blend
from scenes.worlds.primitives import Tint, Vector
from scenes.worlds.textures import BLACK, WHITE, Texture, object_texture, room_textures
from scenes.worlds.world import World, WorldConfig, WorldObject, normalised, rescale

GAP = 0.03  # metres kept free between objects, and to walls
CAMERA_GAP = 0.2  # metres kept free around the camera
ATTEMPTS = 40  # places tried for one object before it is given up
SMALLEST_VIEW = 0.1  # size over distance below which an object would be a speck (25 pixels at 64 x 64)
LARGEST_VIEW = 0.75  # and above which it would fill the picture
ACCENTS = MappingProxyType[Tint, Colour]({"dark": DARK, "steel": STEEL, "wood": WOOD})


def make_world(seed: int, config: WorldConfig) -> World:
    """Draw the world of a seed; the same seed and config give the same world. Lengths are rescaled at the end."""
    dice = Dice(seed)
    while True:  # ends: crowded draws are thrown away, and sparse ones succeed
        world = draw(dice, seed, config)
        if len(world.objects) >= config.objects[0]:
            return rescale(world, dice.log_uniform(*config.rescale))


def draw(dice: Dice, seed: int, config: WorldConfig) -> World:
    """Draw a world at its natural scale; it may hold fewer objects than asked for when they find no place."""
    seconds = draw_seconds(dice, config)
    room = (dice.log_uniform(2.6, 7.0), dice.log_uniform(2.6, 7.0), dice.uniform(2.3, 3.2))
    hfov_deg = dice.uniform(*config.hfov_deg)
    cameras = camera_path(dice, room, normalised(seconds), config.cameras)
    objects: list[WorldObject] = []
    moments = dense(normalised(seconds)) if config.motion else (0.0,)
    for _ in range(dice.integer(*config.objects)):
        placed = place(dice, config, room, cameras, hfov_deg, moments, objects)
        if placed is not None:
            objects.append(placed)
    return World(
        seed=seed,
        config=config,
        room=room,
        surfaces=room_textures(dice),
        objects=tuple(objects),
        seconds=seconds,
        cameras=tuple(cameras),
        hfov_deg=hfov_deg,
        light=(
            dice.uniform(-0.35, 0.35) * room[0],
            dice.uniform(-0.35, 0.35) * room[1],
            dice.uniform(0.88, 0.96) * room[2],
        ),
        warmth=dice.unit(),
        noise=dice.uniform(0.0, config.noise),
    )


def draw_seconds(dice: Dice, config: WorldConfig) -> tuple[float, ...]:
    """Draw one frame interval for the clip; irregular clips vary each step by up to half."""
    interval, irregular = dice.choice(config.intervals), dice.chance(config.irregular)
    seconds = [0.0]
    for _ in range(config.frames - 1):
        seconds.append(seconds[-1] + interval * (dice.uniform(0.5, 1.5) if irregular else 1.0))
    return tuple(seconds)


def dense(moments: Sequence[float]) -> tuple[float, ...]:
    """Add moments between frames, so that objects do not pass through each other there either."""
    steps = 4
    between = [a + (b - a) * k / steps for a, b in pairwise(moments) for k in range(steps)]
    return (*between, moments[-1])


def place(
    dice: Dice,
    config: WorldConfig,
    room: Vector,
    cameras: Sequence[CameraPose],
    hfov_deg: float,
    moments: Sequence[float],
    others: Sequence[WorldObject],
) -> WorldObject | None:
    """Draw an object and look for a free place in view; None when none of the attempts is free."""
    eye = cameras[len(cameras) // 2]
    away = math.dist(eye.position, eye.target)
    thing = draw_object(dice, config, largest=min(dice.uniform(0.2, 0.6) * away, dice.uniform(0.9, 1.4)))
    tracks = [[other.at(u) for u in moments] for other in others]
    for _ in range(ATTEMPTS):
        start = FloorPose(
            dice.uniform(-0.5, 0.5) * room[0], dice.uniform(-0.5, 0.5) * room[1], dice.uniform(-math.pi, math.pi)
        )
        if not in_view(
            eye, (start.x, start.y, thing.size[2] / 2), max(thing.size), hfov_deg, config.height / config.width
        ):
            continue
        moving = config.motion and dice.chance(0.5)
        motion = draw_motion(dice, config, start, away) if moving else REST
        candidate = replace(thing, start=start, motion=motion)
        track = [candidate.at(u) for u in moments]
        if is_free(candidate, track, room, cameras, others, tracks):
            return candidate
    return None


def draw_object(dice: Dice, config: WorldConfig, largest: float) -> WorldObject:
    """Draw family, colour, shape and textures of an object at the origin."""
    family, colour = dice.choice(config.families), dice.choice(config.colours)
    primitives, size = assemble(FAMILIES[family](dice), largest)
    main = object_texture(dice, PALETTE[colour], largest)
    looks: dict[Tint, Texture] = {
        "main": main,
        "shade": replace(main, colour=blend(main.colour, BLACK, 0.35), other=blend(main.other, BLACK, 0.35)),
        "light": replace(main, colour=blend(main.colour, WHITE, 0.2), other=blend(main.colour, WHITE, 0.2)),
    }
    looks |= {tint: Texture(accent, accent) for tint, accent in ACCENTS.items()}
    textures = tuple(looks[p.tint] for p in primitives)
    return WorldObject(family, colour, size, primitives, textures, FloorPose(0.0, 0.0, 0.0), 0.0, REST)


def draw_motion(dice: Dice, config: WorldConfig, start: FloorPose, away: float) -> Motion:
    """Draw a motion whose length fits the view (`away`: metres from camera to focus), whatever the interval.

    Objects travel along their own x axis, forwards.
    """
    kind = dice.choice(config.motions)
    return MOTIONS[kind](dice, dice.log_uniform(0.12, 0.7) * away, start.yaw)


def in_view(eye: CameraPose, point: Vector, size: float, hfov_deg: float, aspect: float) -> bool:
    """Tell whether a point projects well inside the picture, at a distance that suits the size of the thing there."""
    pose = eye.world_T_cam()
    offset = [p - e for p, e in zip(point, eye.position, strict=True)]
    x, y, z = (sum(offset[i] * pose[i][axis] for i in range(3)) for axis in range(3))
    if z <= 0.3 or not SMALLEST_VIEW < size / z < LARGEST_VIEW:
        return False
    half = math.tan(math.radians(hfov_deg) / 2)
    return abs(x / z) < 0.85 * half and abs(y / z) < 0.85 * half * aspect


def is_free(
    thing: WorldObject,
    track: Sequence[FloorPose],
    room: Vector,
    cameras: Sequence[CameraPose],
    others: Sequence[WorldObject],
    tracks: Sequence[Sequence[FloorPose]],
) -> bool:
    """Tell whether an object keeps clear of walls, camera path and other objects at every moment."""
    r = thing.radius
    half_x, half_y = room[0] / 2 - r - GAP, room[1] / 2 - r - GAP
    for pose in track:
        if abs(pose.x) > half_x or abs(pose.y) > half_y:
            return False
        for camera in cameras:
            below = camera.position[2] < thing.bottom + thing.size[2] + CAMERA_GAP
            if below and math.hypot(pose.x - camera.position[0], pose.y - camera.position[1]) < r + CAMERA_GAP:
                return False
    for other, path in zip(others, tracks, strict=True):
        apart = r + other.radius + GAP
        if any(math.hypot(a.x - b.x, a.y - b.y) < apart for a, b in zip(track, path, strict=True)):
            return False
    return True
