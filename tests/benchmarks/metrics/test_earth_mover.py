import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh import Trimesh

from benchmarks.metrics.earth_mover import assignment_distance, earth_mover_distance, earth_mover_floor
from tests.support.shapes import broken, cube, lump, moved, random_motion, sphere, translation

SEEDS = st.integers(0, 10_000)


def cloud(seed: int, count: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3))


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.tuples(*[st.floats(-5, 5)] * 3))
def test_moving_a_set_by_a_translation_costs_its_length_in_any_order(
    seed: int, shift: tuple[float, float, float]
) -> None:
    points = cloud(seed)
    shuffled = np.random.default_rng(seed + 1).permutation(points)
    assert assignment_distance(points, shuffled + shift) == pytest.approx(np.linalg.norm(shift), abs=1e-9)


def test_mass_goes_where_it_is_missing_and_not_to_the_nearest_point() -> None:
    pred = np.array([[0.0, 0, 0], [0, 0, 0]])
    true = np.array([[0.0, 0, 0], [3, 4, 0]])
    assert assignment_distance(pred, true) == 2.5  # one stays, one walks 5; the Chamfer distance would be 1.25


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_it_is_symmetric_and_does_not_see_a_common_rigid_motion(seed: int) -> None:
    one, other, motion = cloud(seed), cloud(seed + 1), random_motion(seed)
    found = assignment_distance(one, other)
    assert assignment_distance(other, one) == pytest.approx(found)
    a, b = (x @ motion[:3, :3].T + motion[:3, 3] for x in (one, other))
    assert assignment_distance(a, b) == pytest.approx(found)


def test_a_unit_sphere_is_its_published_floor_away_from_itself() -> None:
    assert earth_mover_floor(sphere(), 1024) == pytest.approx(0.117, abs=0.015)  # specs/sam3d.md 4.2; one draw


def test_the_floor_falls_with_the_count() -> None:
    assert earth_mover_floor(cube(), 400) < 0.7 * earth_mover_floor(cube(), 100)


def test_a_translated_mesh_is_at_its_translation_above_the_floor() -> None:
    found = earth_mover_distance(moved(lump(), translation(2.0)), lump(), 400)
    assert 2.0 - 0.1 < found < 2.0 + earth_mover_floor(lump(), 400)  # means of 400 points differ by .05 or so


def test_the_same_seed_gives_the_same_distance() -> None:
    assert earth_mover_distance(cube(), sphere(), 100, seed=1) == earth_mover_distance(cube(), sphere(), 100, seed=1)


def test_bad_sets_and_meshes_are_refused() -> None:
    with pytest.raises(ValueError, match="got 60 predicted and 59 true"):
        assignment_distance(cloud(0), cloud(0)[1:])
    with pytest.raises(ValueError, match="got 0 predicted and 0 true"):
        assignment_distance(cloud(0, 0), cloud(0, 0))
    with pytest.raises(ValueError, match="finite points"):
        assignment_distance(cloud(0), np.where(np.arange(60)[:, None] == 7, np.nan, cloud(0)))
    with pytest.raises(ValueError, match=r"the true mesh has .* NaN"):
        earth_mover_distance(cube(), broken(cube()))
    with pytest.raises(ValueError, match="the predicted mesh has"):
        earth_mover_distance(Trimesh(), cube())
