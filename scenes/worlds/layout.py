"""Draw a world: times, room, camera, then objects one by one where they are seen and touch nothing, ever."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from scenes.worlds.camera_paths import camera_path
from scenes.worlds.dice import Dice
from scenes.worlds.motion import MOTIONS, REST, FloorPose, Motion
from scenes.worlds.objects.families import FAMILIES, NATURAL_SIZES, assemble
from scenes.worlds.objects.palette import DARK, PALETTE, STEEL, WOOD, Colour, blend
from scenes.worlds.objects.primitives import Tint
from scenes.worlds.objects.textures import BLACK, WHITE, Texture, object_texture, room_textures
from scenes.worlds.stage import Stage
from scenes.worlds.world import World, WorldConfig, WorldObject, normalised, rescale

ATTEMPTS = 60  # places tried for one object before it is given up
TOPS = ("table", "cabinet")  # families that end in a flat top
ON_TOP = 0.35  # share of objects put on furniture while there is some free
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
    room = (dice.log_uniform(2.6, 8.0), dice.log_uniform(2.6, 8.0), dice.uniform(2.3, 3.2))
    hfov_deg = dice.uniform(*config.hfov_deg)
    cameras = camera_path(dice, room, normalised(seconds), config.cameras)
    moments = dense(normalised(seconds)) if config.motion else (0.0,)
    stage = Stage(room, cameras, hfov_deg, config.height / config.width, moments)
    for _ in range(dice.integer(*config.objects)):
        place(dice, config, stage)
    return World(
        seed=seed,
        config=config,
        room=room,
        surfaces=room_textures(dice),
        objects=tuple(stage.objects),
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


def place(dice: Dice, config: WorldConfig, stage: Stage) -> None:
    """Draw an object and add it to the stage where it finds a free place in view, on the floor or on furniture."""
    largest = min(dice.uniform(0.2, 0.55) * stage.away, dice.uniform(0.9, 1.4))
    free_tops = [t for t in stage.objects if t.family in TOPS and not t.moves and not is_loaded(t, stage)]
    if free_tops and dice.chance(ON_TOP):
        below = dice.choice(free_tops)
        largest = min(largest, dice.uniform(0.5, 0.8) * min(below.size[0], below.size[1]))
        thing = draw_object(dice, config, largest)
        height = below.bottom + below.size[2]
        fits = config.sizes == "free" or max(thing.size[:2]) <= 0.8 * min(below.size[:2])
        if fits and stage.sees(below.start.x, below.start.y, height + thing.size[2] / 2, max(thing.size)):
            start = FloorPose(below.start.x, below.start.y, dice.uniform(-math.pi, math.pi))
            stage.try_to_add(replace(thing, start=start, bottom=height))
            return
    thing = draw_object(dice, config, largest)
    for _ in range(ATTEMPTS):
        x, y = dice.uniform(-0.5, 0.5) * stage.room[0], dice.uniform(-0.5, 0.5) * stage.room[1]
        if not stage.sees(x, y, thing.size[2] / 2, max(thing.size)):
            continue
        start = FloorPose(x, y, dice.uniform(-math.pi, math.pi))
        moving = config.motion and dice.chance(config.movers)
        motion = draw_motion(dice, config, start, stage.away) if moving else REST
        if stage.try_to_add(replace(thing, start=start, motion=motion)):
            return


def is_loaded(furniture: WorldObject, stage: Stage) -> bool:
    """Tell whether something stands on it already."""
    return any((o.start.x, o.start.y) == (furniture.start.x, furniture.start.y) and o.bottom > 0 for o in stage.objects)


def draw_object(dice: Dice, config: WorldConfig, largest: float) -> WorldObject:
    """Draw family, colour, shape and textures of an object at the origin, as large as asked or as its family is."""
    family, colour = dice.choice(config.families), dice.choice(config.colours)
    if config.sizes == "natural":
        largest = NATURAL_SIZES[family] * dice.uniform(0.9, 1.1)
    primitives, size = assemble(FAMILIES[family](dice), largest)
    main = object_texture(dice, PALETTE[colour], largest, config.patterns)
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
