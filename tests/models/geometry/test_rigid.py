"""Rigid transforms `a_T_b`: adjacent frames cancel, and batch axes broadcast."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.geometry import invert, matrix, transform_points
from tests.support.clips.random_geometry import random_poses

SEEDS = st.integers(0, 10_000)


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
