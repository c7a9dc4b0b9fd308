"""Draws of a world: the same on every machine, within their bounds."""

import math

import pytest

from scenes.worlds import world_random
from scenes.worlds.world_random import WorldRandom

DRAWS = 2000


def test_the_first_draws_of_a_seed_never_change() -> None:
    rng = WorldRandom(7)
    assert [rng.unit() for _ in range(3)] == [0.4354024751032124, 0.7087355332759122, 0.9922116082479009]


def test_draws_go_on_beyond_one_block_without_repeating() -> None:
    rng = WorldRandom(0)
    assert len({rng.unit() for _ in range(2 * world_random.BLOCK + 1)}) == 2 * world_random.BLOCK + 1


def test_every_draw_lies_within_its_bounds_and_fills_them() -> None:
    rng = WorldRandom(1)
    for draw, low, high in (
        (lambda: rng.uniform(-2.0, 3.0), -2.0, 3.0),
        (lambda: math.log(rng.log_uniform(0.1, 10.0)), math.log(0.1), math.log(10.0)),
    ):
        drawn = [draw() for _ in range(DRAWS)]
        assert low <= min(drawn)
        assert max(drawn) < high
        # the mean of a uniform draw: 6 standard errors of (high - low) / sqrt(12 DRAWS)
        error = (high - low) / math.sqrt(12 * DRAWS)
        assert sum(drawn) / DRAWS == pytest.approx((low + high) / 2, abs=6 * error)


def test_integers_include_both_ends_and_choices_every_item() -> None:
    rng = WorldRandom(2)
    assert {rng.integer(2, 4) for _ in range(200)} == {2, 3, 4}
    assert {rng.choice("abc") for _ in range(200)} == set("abc")
    assert {rng.sign() for _ in range(200)} == {-1.0, 1.0}
    assert {rng.chance(0.0) for _ in range(200)} == {False}
    assert {rng.chance(1.0) for _ in range(200)} == {True}
