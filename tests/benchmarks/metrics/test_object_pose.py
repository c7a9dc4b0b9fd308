import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh import Trimesh
from trimesh.creation import box, cylinder

from benchmarks.metrics.object_pose import add_s, diameter, rotation_error_icp
from tests.support.shapes import broken, cube, lump, moved, random_motion, sphere, translation, turn

SEEDS = st.integers(0, 10_000)
BRICK = box((1.0, 0.7, 0.4))


def test_a_perfect_pose_has_no_error() -> None:
    mesh = moved(lump(), random_motion(1))
    assert add_s(mesh, mesh) < 1e-6  # single precision
    assert rotation_error_icp(mesh, mesh) < 0.05  # degrees; the iteration ends before


def test_concentric_spheres_differ_by_their_radii_in_diameters_of_the_true_one() -> None:
    assert add_s(sphere(0.8), sphere(1.0), 1000) == pytest.approx(0.1, abs=1e-3)
    assert add_s(sphere(1.0), sphere(0.8), 1000) == pytest.approx(0.125, abs=1e-3)


def test_an_object_far_beside_its_place_is_off_by_the_way_there() -> None:
    found = add_s(moved(cube(), translation(100.0)), cube())
    assert found == pytest.approx(100 / np.sqrt(3), rel=0.01)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_add_s_does_not_see_a_common_rigid_motion_or_scale(seed: int) -> None:
    pred, true, motion = lump(seed), lump(seed + 1), random_motion(seed)
    found = add_s(pred, true, 500)
    motion[:3] *= 3
    assert add_s(moved(pred, motion), moved(true, motion), 500) == pytest.approx(found, rel=1e-2)


def test_the_diameter_of_a_box_is_its_diagonal_and_of_a_flat_one_too() -> None:
    assert diameter(moved(BRICK, random_motion(2))) == pytest.approx(np.sqrt(1 + 0.49 + 0.16))
    sheet = Trimesh([[0, 0, 0], [3, 0, 0], [3, 4, 0], [0, 4, 0]], [[0, 1, 2], [0, 2, 3]])
    assert diameter(sheet) == 5.0


@pytest.mark.long
@settings(max_examples=4, deadline=None)
@given(SEEDS, st.floats(0, 180))
def test_the_known_turn_of_an_asymmetric_mesh_is_found(seed: int, angle_deg: float) -> None:
    axis = tuple(np.random.default_rng(seed).normal(size=3))
    pose = random_motion(seed)
    pred = moved(lump(3), translation(0.2, -0.1, 0.3) @ pose @ turn(angle_deg, axis))
    assert rotation_error_icp(pred, moved(lump(3), pose)) == pytest.approx(angle_deg, abs=0.5)


def test_a_half_turn_of_a_brick_is_no_error_and_a_turn_of_160_degrees_is_one_of_20() -> None:
    assert rotation_error_icp(moved(BRICK, turn(180, (0, 0, 1))), BRICK) < 0.1
    assert rotation_error_icp(moved(BRICK, turn(160, (1, 0, 0))), BRICK) == pytest.approx(20, abs=0.5)


def test_the_spin_of_a_cylinder_is_no_error_and_its_tilt_is() -> None:
    can = cylinder(0.4, 1.2, sections=64)
    spun = turn(77, (0, 0, 1))
    assert rotation_error_icp(moved(can, spun), can) < 0.5  # its 64 facets are 5.6 degrees wide
    assert rotation_error_icp(moved(can, turn(25, (1, 0, 0)) @ spun), can) == pytest.approx(25, abs=1)


def test_a_ball_has_no_rotation() -> None:
    assert rotation_error_icp(moved(sphere(), random_motion(4)), sphere()) < 0.1


@pytest.mark.parametrize("score", [add_s, rotation_error_icp])
@pytest.mark.parametrize("bad", [Trimesh(), broken(cube())], ids=["empty", "nan"])
def test_a_bad_mesh_is_refused_by_name(score, bad: Trimesh) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="the predicted mesh has"):
        score(bad, cube())
    with pytest.raises(ValueError, match="the true mesh has"):
        score(cube(), bad)
