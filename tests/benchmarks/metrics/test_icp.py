import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics.icp import align_icp, icp_alignments
from benchmarks.metrics.mesh import chamfer_distance
from tests.support.shapes import cube, lump, moved, random_motion


@pytest.mark.long
@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000))
def test_a_mesh_that_was_moved_anywhere_comes_back(seed: int) -> None:
    mesh, motion = lump(seed), random_motion(seed)
    found = align_icp(moved(mesh, motion), mesh)
    np.testing.assert_allclose(found @ motion, np.eye(4), atol=5e-3)


def test_an_aligned_mesh_is_never_farther_than_before() -> None:
    pred, true = lump(1), lump(2)
    aligned = moved(pred, align_icp(pred, true))
    assert chamfer_distance(aligned, true, "squared_sum") < chamfer_distance(pred, true, "squared_sum")


def test_the_transform_is_rigid_even_where_the_meshes_differ_in_size() -> None:
    found = align_icp(cube(side=3), lump())
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(found[:3, :3]) == pytest.approx(1)


def test_a_cube_can_be_laid_on_itself_in_many_ways_equally_well() -> None:
    found = icp_alignments(cube(), cube())
    assert (np.diff(found.distance) >= 0).all()
    assert found.distance[:2].max() < 1e-4
