"""Pinhole cameras, point maps and rigid transforms: hand-computed values and properties."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.geometry import (
    PointMap,
    crop_intrinsics,
    default_intrinsics,
    invert,
    matrix,
    pixel_centres,
    pool_points,
    project,
    resize_intrinsics,
    transform,
    transform_points,
    unproject,
)
from tests.support.random_geometry import random_poses

SEEDS = st.integers(0, 10_000)


def _depth(generator: torch.Generator, *shape: int) -> Tensor:
    return 0.5 + 5 * torch.rand(*shape, generator=generator)


def test_the_default_camera_sees_its_field_of_view_from_edge_to_edge() -> None:
    intrinsics = default_intrinsics(480, 640, 60)
    edge = torch.tensor([[math.tan(math.radians(30)), 0.0, 1.0], [-math.tan(math.radians(30)), 0.0, 1.0]])
    torch.testing.assert_close(
        project(edge, intrinsics), torch.tensor([[640.0, 240.0], [0.0, 240.0]]), atol=1e-4, rtol=0
    )


def test_the_top_left_pixel_is_centred_at_a_half() -> None:
    centres = pixel_centres(2, 3, torch.zeros(()))
    assert centres[0, 0].tolist() == [0.5, 0.5]
    assert centres[1, 2].tolist() == [2.5, 1.5]


def test_points_at_or_behind_the_camera_project_to_nan() -> None:
    pixels = project(torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, -1.0]]), default_intrinsics(4, 4))
    assert pixels.isnan().all()


@given(SEEDS, st.floats(20, 120))
@settings(max_examples=30, deadline=None)
def test_projecting_undoes_unprojecting(seed: int, hfov_deg: float) -> None:
    depth = _depth(torch.Generator().manual_seed(seed), 2, 3, 12, 16)
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
    depth = _depth(generator, 3, 6, 8)
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


@given(SEEDS, st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_a_point_projects_to_the_same_place_after_a_resize_and_a_crop(seed: int, height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    xyz = torch.randn(10, 3, generator=generator)
    xyz[:, 2] = 1 + xyz[:, 2].abs()
    intrinsics = default_intrinsics(12, 16)
    pixels = project(xyz, intrinsics)
    resized = project(xyz, resize_intrinsics(intrinsics, (12, 16), (height, width)))
    torch.testing.assert_close(resized, pixels * torch.tensor([width / 16, height / 12]), atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(project(xyz, crop_intrinsics(intrinsics, 3, 2)), pixels - torch.tensor([3.0, 2.0]))


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_adjacent_frames_of_poses_cancel(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    world_T_a, a_T_b = random_poses(generator, 4), random_poses(generator, 4)
    xyz = torch.randn(4, 3, generator=generator)
    through = transform_points(transform_points(xyz, a_T_b), world_T_a)
    at_once = transform_points(xyz, world_T_a @ a_T_b)
    torch.testing.assert_close(through, at_once, atol=1e-5, rtol=1e-5)  # float32, coordinates of size 10
    back = transform_points(at_once, invert(a_T_b) @ invert(world_T_a))
    torch.testing.assert_close(back, xyz, atol=1e-5, rtol=1e-5)


def test_a_pose_is_assembled_from_rotation_and_translation() -> None:
    world_T_cam = matrix(torch.eye(3), torch.tensor([1.0, 2.0, 3.0]))
    assert world_T_cam.tolist() == [[1, 0, 0, 1], [0, 1, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    assert transform_points(torch.zeros(3), world_T_cam).tolist() == [1, 2, 3]


def test_poses_broadcast_over_points_and_points_over_poses() -> None:
    generator = torch.Generator().manual_seed(0)
    poses = random_poses(generator, 5)
    points = torch.randn(7, 3, generator=generator)
    all_pairs = transform_points(points, poses[:, None])
    assert all_pairs.shape == (5, 7, 3)
    torch.testing.assert_close(all_pairs[3, 2], transform_points(points[2], poses[3]))
