"""Point maps: depth and cameras give them, and what is no point is invalid and 0."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.geometry import PointMap, default_intrinsics, pixel_centres, pool_points, project, transform, unproject
from tests.support.clips.random_geometry import random_poses

SEEDS = st.integers(0, 10_000)


def draw_depth(generator: torch.Generator, *shape: int) -> Tensor:
    return 0.5 + 5 * torch.rand(*shape, generator=generator)


@given(SEEDS, st.floats(20, 120))
@settings(max_examples=30, deadline=None)
def test_projecting_undoes_unprojecting(seed: int, hfov_deg: float) -> None:
    depth = draw_depth(torch.Generator().manual_seed(seed), 2, 3, 12, 16)
    intrinsics = default_intrinsics(12, 16, hfov_deg)
    points = unproject(depth, intrinsics)
    pixels = project(points.xyz, intrinsics)
    # float32 pixels up to 16, through a product and a quotient
    torch.testing.assert_close(pixels, pixel_centres(12, 16, depth).expand_as(pixels), atol=1e-4, rtol=0)
    assert torch.equal(points.xyz[..., 2], depth)


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_a_batch_of_cameras_gives_what_its_items_give(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    depth = draw_depth(generator, 3, 6, 8)
    depth[0, :2] = 0
    intrinsics = torch.stack([default_intrinsics(6, 8, hfov) for hfov in (40, 60, 75)])
    world_T_cam = random_poses(generator, 3)
    batch = pool_points(transform(unproject(depth, intrinsics), world_T_cam, "world"), 2, 4)
    for i in range(3):
        item = pool_points(transform(unproject(depth[i], intrinsics[i]), world_T_cam[i], "world"), 2, 4)
        torch.testing.assert_close(batch.xyz[i], item.xyz, atol=1e-5, rtol=1e-5)  # float32, other order of sums
        assert torch.equal(batch.valid[i], item.valid)


@pytest.mark.parametrize("hole", [0.0, -1.0, math.nan, math.inf, -math.inf])
def test_what_is_not_a_depth_gives_an_invalid_point_at_zero(hole: float) -> None:
    depth = torch.full((4, 4), 2.0)
    depth[1, 2] = hole
    points = transform(unproject(depth, default_intrinsics(4, 4)), random_poses(torch.Generator(), 1)[0], "world")
    assert not points.valid[1, 2]
    assert points.valid.sum() == 15
    assert points.xyz[1, 2].tolist() == [0, 0, 0]
    assert torch.isfinite(points.xyz).all()


def test_points_from_elsewhere_lose_sky_padding_holes_and_what_their_mask_hides() -> None:
    xyz = torch.ones(1, 5, 3)
    xyz[0, 0, 2], xyz[0, 1, 0], xyz[0, 2, 2] = math.inf, math.nan, 0.0
    valid = torch.tensor([[True, True, True, True, False]])
    points = PointMap.from_xyz(xyz, "cam", valid)
    assert points.valid.tolist() == [[False, False, False, True, False]]
    assert points.xyz[0].tolist() == [[0, 0, 0]] * 3 + [[1, 1, 1]] + [[0, 0, 0]]


def test_points_and_mask_of_different_size_are_refused() -> None:
    with pytest.raises(Exception, match="4"):  # jaxtyping under test, ValueError outside
        PointMap(torch.zeros(4, 4, 3), torch.ones(4, 5, dtype=torch.bool), "cam")


def test_selecting_keeps_points_with_their_mask_and_frame() -> None:
    valid = torch.tensor([[[True, False]], [[False, True]]])
    points = PointMap.from_xyz(torch.arange(12.0).reshape(2, 1, 2, 3), "world", valid)
    assert points[1].xyz.tolist() == [[[0, 0, 0], [9, 10, 11]]]
    assert points[1].valid.tolist() == [[False, True]]
    assert points[1:].frame == "world"


def test_points_behind_the_camera_are_invalid_and_those_below_a_world_are_not() -> None:
    xyz = torch.tensor([[[0.0, 0, -1], [0, 0, 1]]])
    assert PointMap.from_xyz(xyz, "cam").valid.tolist() == [[False, True]]
    assert PointMap.from_xyz(xyz, "world").valid.tolist() == [[True, True]]
