"""Planes found among points."""

import numpy as np
import pytest

from models.geometry.planes import find_planes


def patch(normal: list[float], offset: float, count: int, seed: int) -> np.ndarray:
    """Points on normal . x + offset = 0, with a millimetre of noise."""
    rng, up = np.random.default_rng(seed), np.array(normal)
    sides = np.linalg.svd(up[None])[2][1:]
    return -offset * up + rng.uniform(-2, 2, (count, 2)) @ sides + 0.001 * rng.standard_normal((count, 1)) * up


def test_a_floor_and_a_wall_are_found_largest_first_and_face_the_camera() -> None:
    floor, wall = patch([0, -1, 0], 1.2, 600, 0), patch([0.6, 0, -0.8], 3.0, 300, 1)
    dust = np.random.default_rng(2).uniform(-2, 2, (40, 3))
    found = find_planes(np.concatenate([wall, dust, floor]), 0.01, np.random.default_rng(0))
    assert len(found) == 2
    np.testing.assert_allclose([plane.normal for plane in found], [[0, -1, 0], [0.6, 0, -0.8]], atol=2e-3)
    assert [plane.offset for plane in found] == pytest.approx([1.2, 3.0], abs=3e-3)
    assert found[0].height(np.zeros(3)) == pytest.approx(1.2, abs=3e-3)  # the camera stands above each
    assert np.abs(found[1].height(wall)).max() < 0.01


@pytest.mark.parametrize("count", [0, 2])
def test_too_few_points_show_no_plane(count: int) -> None:
    assert find_planes(np.ones((count, 3)), 0.01, np.random.default_rng(0)) == []


def test_points_in_one_place_show_no_plane() -> None:
    assert find_planes(np.ones((50, 3)), 0.01, np.random.default_rng(0)) == []
