"""A procedural world in which one object stands elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from random import Random

from scenes.worlds.layout import dense, is_loaded
from scenes.worlds.motion import FloorPose
from scenes.worlds.stage import Stage
from scenes.worlds.world import World, WorldObject

PLACES = 60  # that are tried


def with_moved_object(world: World, wanted: Iterable[int], rng: Random) -> tuple[World, int] | None:
    """Move the first object of `wanted` that can be moved: to the free place in view that is furthest from its own.

    An object takes its path along. Nothing is moved that stands on another object or carries one. None where there is
    no free place.
    """
    for index in wanted:
        obj, others = world.objects[index], [o for k, o in enumerate(world.objects) if k != index]
        stage = _stage_of(world, others)
        if obj.bottom > 0 or is_loaded(obj, stage):
            continue
        places = [place for _ in range(PLACES) if (place := _free_place(obj, stage, rng)) is not None]
        if places:
            best = max(places, key=lambda place: math.hypot(place.x - obj.start.x, place.y - obj.start.y))
            objects = (*world.objects[:index], replace(obj, start=best), *world.objects[index + 1 :])
            return replace(world, objects=objects), index
    return None


def _stage_of(world: World, objects: Iterable[WorldObject]) -> Stage:
    moments = dense(world.moments) if world.config.motion else (0.0,)
    stage = Stage(world.room, world.cameras, world.hfov_deg, world.config.height / world.config.width, moments)
    for obj in objects:
        stage.add(obj, stage.track(obj))
    return stage


def _free_place(obj: WorldObject, stage: Stage, rng: Random) -> FloorPose | None:
    x, y = (rng.uniform(-0.5, 0.5) * side for side in stage.room[:2])
    if not stage.sees(x, y, obj.size[2] / 2, max(obj.size)):
        return None
    moved = replace(obj, start=FloorPose(x, y, obj.start.yaw))
    return moved.start if stage.has_room_for(moved, stage.track(moved)) else None
