"""How objects move: where they are at each moment, and how fast."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from scenes.worlds.motion import MOTIONS, REST, FloorPose, Motion
from scenes.worlds.world_random import WorldRandom

START = FloorPose(1.0, -2.0, 0.3)
DRAWN = [make(WorldRandom(seed), 1.5, 0.7) for make in MOTIONS.values() for seed in range(5)]


@pytest.mark.parametrize("motion", DRAWN, ids=lambda motion: motion.kind)
def test_a_motion_runs_from_its_start_to_its_end_and_never_back(motion: Motion) -> None:
    progress = [motion.progress(k / 50) for k in range(51)]
    assert progress[0] == pytest.approx(0)
    assert progress[-1] == pytest.approx(1)
    assert all(a <= b + 1e-12 for a, b in pairwise(progress))
    assert motion.pose(START, 0.0) == pytest.approx(START)
    assert motion.pose(START, 1.0).yaw - START.yaw == pytest.approx(motion.turn)


@pytest.mark.parametrize("motion", DRAWN, ids=lambda motion: motion.kind)
def test_the_rate_is_the_slope_of_the_progress(motion: Motion) -> None:
    step = 1e-6
    for u in (0.07, 0.31, 0.52, 0.93):
        slope = (motion.progress(u + step) - motion.progress(u - step)) / (2 * step)
        assert motion.rate(u) == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("motion", DRAWN, ids=lambda motion: motion.kind)
def test_the_way_is_as_long_as_it_says(motion: Motion) -> None:
    places = [motion.pose(START, k / 2000) for k in range(2001)]
    way = sum(math.dist(a[:2], b[:2]) for a, b in pairwise(places))
    assert way == pytest.approx(motion.length, rel=1e-5)  # chords of an arc are a little shorter


def test_rest_stays_where_it_is() -> None:
    assert [REST.pose(START, u) for u in (0.0, 0.5, 1.0)] == [START] * 3


def test_a_half_circle_ends_beside_its_start_and_looks_back() -> None:
    arc = Motion("circular", length=math.pi, heading=0.0, curvature=1.0)
    assert arc.pose(FloorPose(0, 0, 0), 1.0) == pytest.approx((0, 2, math.pi))
    assert arc.pose(FloorPose(0, 0, 0), 0.5) == pytest.approx((1, 1, math.pi / 2))


def test_a_pause_is_a_rest_in_the_middle_of_the_way() -> None:
    paused = Motion("stop_and_go", length=2.0, pause=(0.25, 0.75))
    assert [paused.progress(u) for u in (0.25, 0.5, 0.75)] == [0.5] * 3
    assert [paused.rate(u) for u in (0.1, 0.25, 0.5, 0.75, 0.9)] == [2, 0, 0, 0, 2]


def test_ease_speeds_up_or_slows_down() -> None:
    faster, slower = Motion(length=1.0, ease=0.2), Motion(length=1.0, ease=1.8)
    assert faster.progress(0.5) < 0.5 < slower.progress(0.5)
    assert faster.rate(0.0) == pytest.approx(0.2)
    assert slower.rate(1.0) == pytest.approx(0.2)
