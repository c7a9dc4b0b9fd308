import numpy as np
import pytest
from trimesh import Trimesh

from benchmarks.metrics.surface import Surface, surface_distances
from tests.support.shapes import broken, cube, flat, moved, translation


def test_the_nearest_points_of_a_cube_lie_on_its_face_its_edge_and_its_corner() -> None:
    points = np.array([[2.0, 0.1, 0.2], [2.0, 2.0, 0.2], [2.0, 2.0, 2.0], [0.4, 0.1, 0.2]])
    expected = [[0.5, 0.1, 0.2], [0.5, 0.5, 0.2], [0.5, 0.5, 0.5], [0.5, 0.1, 0.2]]
    np.testing.assert_allclose(Surface(cube()).nearest(points), expected, atol=1e-6)
    np.testing.assert_allclose(Surface(cube()).distance(points[[0, 3]]), [1.5, 0.1], atol=1e-6)


def test_a_place_far_from_the_origin_costs_no_precision() -> None:
    surface = Surface(moved(cube(), translation(1e4, -1e4, 1e4)))
    points = np.array([[1e4 + 0.5001, -1e4, 1e4]])
    assert surface.distance(points)[0] == pytest.approx(1e-4, abs=1e-6)


def test_samples_lie_on_the_surface_evenly_and_come_again_with_their_seed() -> None:
    surface = Surface(cube())
    points, again = (surface.sample(6000, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(points, again)
    assert surface.distance(points).max() < 1e-6
    sixth = (np.abs(points[:, 0] - 0.5) < 1e-9).mean()
    assert sixth == pytest.approx(1 / 6, abs=0.02)  # four standard deviations at 6000 points


@pytest.mark.parametrize("bad", [Trimesh(), broken(cube()), flat(cube())], ids=["empty", "nan", "flat"])
def test_a_mesh_without_a_surface_is_refused_by_name(bad: Trimesh) -> None:
    with pytest.raises(ValueError, match="the predicted mesh has"):
        surface_distances(bad, cube())
    with pytest.raises(ValueError, match="the true mesh has"):
        surface_distances(cube(), bad)


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or more, got 0"):
        surface_distances(cube(), cube(), samples=0)
