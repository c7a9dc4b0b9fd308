"""Seeds of a group share worlds, never objects; those that find nothing in their bin take what is most occluded."""

from __future__ import annotations

import pytest

from scenes.worlds import World, WorldConfig, make_world
from scenes.worlds.seed_groups import MAX_WORLDS, SeedGroup

BIN = ((0.2, 0.5),)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(0, WorldConfig(height=16, width=16, frames=1))


def test_each_seed_takes_another_object_of_its_bin(world: World) -> None:
    group = SeedGroup.begin(0, range(3), BIN)
    group.take(world, [(0, 0.1), (1, 0.3), (2, 0.4), (3, 0.5)])
    assert sorted(draw.index for draw in group.taken.values()) == [1, 2]
    assert list(group.waiting) == [2]


def test_a_seed_that_finds_nothing_takes_the_most_occluded_object_below_the_last_bin(world: World) -> None:
    group = SeedGroup.begin(0, range(2), BIN)
    group.take(world, [(0, 0.05), (1, 0.1), (2, 0.9)])
    assert len(group.waiting) == 2
    group.settle(0.01)
    assert [group.taken[seed].index for seed in range(2)] == [1, 0]


def test_without_bins_any_object_will_do(world: World) -> None:
    group = SeedGroup.begin(0, range(1), ())
    group.take(world, [(4, 0.99)])
    assert group.taken[0].index == 4


def test_a_group_without_any_large_object_is_one_clear_error() -> None:
    group = SeedGroup.begin(0, range(1), BIN)
    with pytest.raises(ValueError, match=r"none of 24 sampled worlds has an object covering 2\.5 % of the image"):
        group.settle(0.025)


def test_groups_never_share_worlds() -> None:
    groups = [SeedGroup.begin(number, range(number, number + 1), BIN) for number in range(3)]
    seeds = [group.world_seed(attempt) for group in groups for attempt in range(MAX_WORLDS)]
    assert len(set(seeds)) == len(seeds)
