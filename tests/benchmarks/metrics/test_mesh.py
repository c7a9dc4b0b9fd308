import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics.mesh import chamfer_distance, f_score, normalized
from tests.support.shapes import cube, lump, moved, random_motion, sphere

SEEDS = st.integers(0, 10_000)


def test_equal_surfaces_agree_at_any_count_of_samples() -> None:
    for samples in (100, 8_192):  # between 8,192 point samples, F1 of one sphere would be .18 (sam3d.md 4.2)
        assert f_score(sphere(), sphere(), 0.01, samples) == 1.0
        assert chamfer_distance(sphere(), sphere(), samples=samples) < 1e-6  # single precision


def test_two_triangulations_of_one_cube_agree() -> None:
    assert f_score(cube(), cube().subdivide().subdivide(), 1e-5) == 1.0
    assert chamfer_distance(cube(), cube().subdivide().subdivide()) < 1e-6


def test_concentric_spheres_are_the_difference_of_their_radii_apart() -> None:
    inner, outer = sphere(0.7, 5), sphere(1.0, 5)
    assert chamfer_distance(inner, outer, samples=1000) == pytest.approx(0.3, abs=3e-4)  # chords of 0.04: 2e-4 inside
    assert chamfer_distance(inner, outer, "squared_sum", 1000) == pytest.approx(2 * 0.3**2, abs=4e-4)
    assert f_score(inner, outer, 0.29, 1000) == 0.0
    assert f_score(inner, outer, 0.31, 1000) == 1.0


def test_the_f_score_of_a_shifted_cube_is_that_of_its_closed_form() -> None:
    shift, threshold = 0.1, 0.05
    # four sides overlap up to the shift and reach the threshold beyond; of the two faces across the shift, one is near
    # nothing, and the other, inside the true cube, is near its sides along its rim
    expected = (4 * (1 - shift + threshold) + 1 - (1 - 2 * threshold) ** 2) / 6
    found = f_score(cube(shift), cube(), threshold)
    assert found == pytest.approx(expected, abs=0.01)  # three and a half standard deviations at 30,000 points


def test_a_part_is_precise_and_does_not_recall_the_whole() -> None:
    body = cube().subdivide()
    part = body.submesh([np.flatnonzero(body.triangles_center[:, 2] > 0.49)], append=True)  # the top face
    # P = 1, R = 1/6 and what lies within the threshold of the rim of the top
    expected_recall = 1 / 6 + 4 * 0.01 / 6
    assert f_score(part, body, 0.01) == pytest.approx(2 * expected_recall / (1 + expected_recall), abs=0.01)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_both_measures_are_symmetric(seed: int) -> None:
    one, other = lump(seed), lump(seed + 1)
    assert f_score(one, other, 0.1, 500) == f_score(other, one, 0.1, 500)
    assert chamfer_distance(one, other, samples=500) == chamfer_distance(other, one, samples=500)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_common_rigid_motion_changes_neither(seed: int) -> None:
    one, other, motion = lump(seed), lump(seed + 1), random_motion(seed)
    before, after = (
        (f_score(a, b, 0.1, 500), chamfer_distance(a, b, samples=500), chamfer_distance(a, b, "squared_sum", 500))
        for a, b in ((one, other), (moved(one, motion), moved(other, motion)))
    )
    assert after == pytest.approx(before, abs=4e-3)  # one or two of 500 points at the threshold, or on another face


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.floats(0.1, 10))
def test_the_chamfer_distance_grows_with_the_meshes(seed: int, scale: float) -> None:
    one, other = lump(seed), lump(seed + 1)
    before = chamfer_distance(one, other, samples=500)
    after = chamfer_distance(one.copy().apply_scale(scale), other.copy().apply_scale(scale), samples=500)
    assert after == pytest.approx(scale * before, rel=1e-2)


def test_a_normalised_mesh_spans_minus_one_to_one_along_its_longest_side() -> None:
    mesh = moved(lump(), random_motion(0))
    low, high = normalized(mesh).bounds
    np.testing.assert_allclose(low, -high, atol=1e-9)
    assert high.max() == pytest.approx(1)
    assert normalized(mesh).volume == pytest.approx(mesh.volume * (2 / mesh.extents.max()) ** 3)


@pytest.mark.parametrize("threshold", [0.0, -0.1, float("nan"), float("inf")])
def test_a_threshold_that_is_no_distance_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="positive, finite threshold"):
        f_score(cube(), cube(), threshold)
