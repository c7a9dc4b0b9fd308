"""Draw a world: times, room and camera, then objects one by one at visible positions where they never collide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from scenes.worlds.camera_paths import camera_path
from scenes.worlds.motion import MOTIONS, REST, FloorPose, Motion
from scenes.worlds.objects.families import FAMILIES, NATURAL_SIZES, assemble
from scenes.worlds.objects.palette import DARK, PALETTE, STEEL, WOOD, Colour, blend
from scenes.worlds.objects.primitives import Tint
from scenes.worlds.objects.textures import BLACK, WHITE, Texture, object_texture, room_textures
from scenes.worlds.stage import Stage
from scenes.worlds.world import World, WorldConfig, WorldObject, normalised, rescale
from scenes.worlds.world_random import WorldRandom

MAX_PLACEMENTS = 60  # positions tried for one object before it is left out
FLAT_TOPPED = ("table", "cabinet")  # families that end in a flat top
ON_TOP_PROB = 0.35  # share of objects put on furniture while there is some free
ACCENTS = MappingProxyType[Tint, Colour]({"dark": DARK, "steel": STEEL, "wood": WOOD})


def make_world(seed: int, config: WorldConfig) -> World:
    """Draw the world of a seed; the same seed and config give the same world. Lengths are rescaled at the end."""
    rng = WorldRandom(seed)
    while True:  # ends: crowded draws are thrown away, and sparse ones succeed
        world = draw(rng, seed, config)
        if len(world.objects) >= config.objects[0]:
            return rescale(world, rng.log_uniform(*config.rescale))


def draw(rng: WorldRandom, seed: int, config: WorldConfig) -> World:
    """Draw a world at its natural scale; it has fewer objects than drawn where some find no free position."""
    seconds = draw_seconds(rng, config)
    room = (rng.log_uniform(2.6, 8.0), rng.log_uniform(2.6, 8.0), rng.uniform(2.3, 3.2))
    hfov_deg = rng.uniform(*config.hfov_deg)
    cameras = camera_path(rng, room, normalised(seconds), config.cameras)
    moments = dense(normalised(seconds)) if config.motion else (0.0,)
    stage = Stage(room, cameras, hfov_deg, config.height / config.width, moments)
    for _ in range(rng.integer(*config.objects)):
        place_object(rng, config, stage)
    return World(
        seed=seed,
        config=config,
        room=room,
        surfaces=room_textures(rng),
        objects=tuple(stage.objects),
        seconds=seconds,
        cameras=tuple(cameras),
        hfov_deg=hfov_deg,
        light=(
            rng.uniform(-0.35, 0.35) * room[0],
            rng.uniform(-0.35, 0.35) * room[1],
            rng.uniform(0.88, 0.96) * room[2],
        ),
        warmth=rng.unit(),
        noise=rng.uniform(0.0, config.noise),
    )


def draw_seconds(rng: WorldRandom, config: WorldConfig) -> tuple[float, ...]:
    """Draw the frame interval of a clip; each step of an irregular clip varies by up to half of it."""
    interval = draw_interval(rng, config)
    irregular = rng.chance(config.irregular)
    seconds = [0.0]
    for _ in range(config.frames - 1):
        seconds.append(seconds[-1] + interval * (rng.uniform(0.5, 1.5) if irregular else 1.0))
    return tuple(seconds)


def draw_interval(rng: WorldRandom, config: WorldConfig) -> float:
    """Draw the time between frames, in seconds; a gap in the range is jumped over."""
    if config.interval_range is None:
        return rng.choice(config.intervals)
    shortest, longest = config.interval_range
    start, end = config.interval_gap or (longest, longest)
    interval = rng.log_uniform(shortest, longest * (start / end))
    return interval if interval < start else interval * (end / start)


def dense(moments: Sequence[float]) -> tuple[float, ...]:
    """Add moments between frames, so that objects do not pass through each other between frames either."""
    steps = 4
    between = [a + (b - a) * k / steps for a, b in pairwise(moments) for k in range(steps)]
    return (*between, moments[-1])


def place_object(rng: WorldRandom, config: WorldConfig, stage: Stage) -> None:
    """Draw an object and try to add it at a free, visible position on the floor or on furniture."""
    largest = min(rng.uniform(0.2, 0.55) * stage.away, rng.uniform(0.9, 1.4))
    free_tops = [t for t in stage.objects if t.family in FLAT_TOPPED and not t.moves and not is_loaded(t, stage)]
    if free_tops and rng.chance(ON_TOP_PROB):
        below = rng.choice(free_tops)
        largest = min(largest, rng.uniform(0.5, 0.8) * min(below.size[0], below.size[1]))
        obj = draw_object(rng, config, largest)
        height = below.bottom + below.size[2]
        fits = config.sizes == "free" or max(obj.size[:2]) <= 0.8 * min(below.size[:2])
        if fits and stage.sees(below.start.x, below.start.y, height + obj.size[2] / 2, max(obj.size)):
            start = FloorPose(below.start.x, below.start.y, rng.uniform(-math.pi, math.pi))
            stage.try_to_add(replace(obj, start=start, bottom=height))
            return
    obj = draw_object(rng, config, largest)
    for _ in range(MAX_PLACEMENTS):
        x, y = rng.uniform(-0.5, 0.5) * stage.room[0], rng.uniform(-0.5, 0.5) * stage.room[1]
        if not stage.sees(x, y, obj.size[2] / 2, max(obj.size)):
            continue
        start = FloorPose(x, y, rng.uniform(-math.pi, math.pi))
        moving = config.motion and rng.chance(config.movers)
        motion = draw_motion(rng, config, start, stage.away) if moving else REST
        if stage.try_to_add(replace(obj, start=start, motion=motion)):
            return


def is_loaded(furniture: WorldObject, stage: Stage) -> bool:
    """Tell whether an object is on this furniture already."""
    return any((o.start.x, o.start.y) == (furniture.start.x, furniture.start.y) and o.bottom > 0 for o in stage.objects)


def draw_object(rng: WorldRandom, config: WorldConfig, largest: float) -> WorldObject:
    """Draw family, colour, shape and textures of an object at the origin; its largest side is `largest` or natural."""
    family, colour = rng.choice(config.families), rng.choice(config.colours)
    if config.sizes == "natural":
        largest = NATURAL_SIZES[family] * rng.uniform(0.9, 1.1)
    primitives, size = assemble(FAMILIES[family](rng), largest)
    main = object_texture(rng, PALETTE[colour], largest, config.patterns)
    looks: dict[Tint, Texture] = {
        "main": main,
        "shade": replace(main, colour=blend(main.colour, BLACK, 0.35), other=blend(main.other, BLACK, 0.35)),
        "light": replace(main, colour=blend(main.colour, WHITE, 0.2), other=blend(main.colour, WHITE, 0.2)),
    }
    looks |= {tint: Texture(accent, accent) for tint, accent in ACCENTS.items()}
    textures = tuple(looks[p.tint] for p in primitives)
    return WorldObject(family, colour, size, primitives, textures, FloorPose(0.0, 0.0, 0.0), 0.0, REST)


def draw_motion(rng: WorldRandom, config: WorldConfig, start: FloorPose, away: float) -> Motion:
    """Draw a motion whose length fits the view (`away`: metres from camera to focus), whatever the interval.

    Objects travel along their own x axis, forwards.
    """
    kind = rng.choice(config.motions)
    return MOTIONS[kind](rng, rng.log_uniform(0.12, 0.7) * away, start.yaw)
