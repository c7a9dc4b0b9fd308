from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from random import Random

from scenes.counterfactuals.moved import with_moved_object
from scenes.worlds import WorldConfig, make_world
from scenes.worlds.world import World

CONFIG = WorldConfig(frames=3, motion=True, objects=(3, 6), rescale=(1.0, 1.0))
WORLDS = [make_world(seed, CONFIG) for seed in range(12)]


def moved(world: World) -> tuple[World, int] | None:
    return with_moved_object(world, range(len(world.objects)), Random(world.seed))


def test_one_object_stands_elsewhere_and_all_else_is_as_it_was() -> None:
    found = [(world, change) for world in WORLDS if (change := moved(world)) is not None]
    assert len(found) > 6
    for world, (changed, index) in found:
        before, after = world.objects[index], changed.objects[index]
        assert after == replace(before, start=after.start)
        assert math.dist(before.start[:2], after.start[:2]) > 0.05
        assert after.start.yaw == before.start.yaw
        assert replace(changed, objects=world.objects) == world
        assert [o for k, o in enumerate(changed.objects) if k != index] == [
            o for k, o in enumerate(world.objects) if k != index
        ]


def test_no_two_objects_on_the_floor_touch_after_a_move() -> None:
    for changed, _ in filter(None, map(moved, WORLDS)):
        for one, other in combinations([o for o in changed.objects if o.bottom == 0], 2):
            for u in (0.0, 0.25, 0.5, 0.75, 1.0):
                a, b = one.at(u), other.at(u)
                assert math.hypot(a.x - b.x, a.y - b.y) >= one.radius + other.radius


def test_what_carries_something_or_stands_on_something_stays() -> None:
    below = replace(WORLDS[0].objects[0], bottom=0.0)
    above = replace(WORLDS[0].objects[1], start=below.start, bottom=below.size[2])
    world = replace(WORLDS[0], objects=(below, above))
    assert moved(world) is None
