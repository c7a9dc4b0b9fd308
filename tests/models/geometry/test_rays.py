"""Plücker rays: hand-computed values, and cameras recovered from their own rays."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.geometry import default_intrinsics, matrix, project, transform_points
from models.geometry.rays import cameras_from_rays, plucker_rays
from tests.support.clips.random_geometry import random_poses


def test_the_central_ray_of_a_camera_looks_forward_from_its_centre() -> None:
    intrinsics = default_intrinsics(3, 3)
    pose = matrix(torch.eye(3), torch.tensor([1.0, 2.0, 0.0]))
    ray = plucker_rays(intrinsics, pose, 3, 3)[:, 1, 1]
    torch.testing.assert_close(ray, torch.tensor([0.0, 0, 1, 2, -1, 0]))  # (1, 2, 0) x (0, 0, 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_points_on_a_ray_project_to_its_pixel(seed: int) -> None:
    pose = random_poses(torch.Generator().manual_seed(seed), 1)[0]
    intrinsics = default_intrinsics(4, 5)
    direction, moment = plucker_rays(intrinsics, pose, 4, 5).chunk(2)
    nearest = torch.linalg.cross(direction, moment, dim=0)  # the point of the ray nearest to the origin
    centre = pose[:3, 3, None, None]
    along = ((centre - nearest) * direction).sum(0) + 2.0
    point = (nearest + along * direction).permute(1, 2, 0)
    pixels = project(transform_points(point, torch.linalg.inv(pose)), intrinsics)
    v, u = torch.meshgrid(torch.arange(4) + 0.5, torch.arange(5) + 0.5, indexing="ij")
    torch.testing.assert_close(pixels, torch.stack([u, v], -1), atol=1e-3, rtol=0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_rays_give_their_camera_back(seed: int) -> None:
    poses = random_poses(torch.Generator().manual_seed(seed), 3).double()
    intrinsics = default_intrinsics(6, 8).double().expand(3, 3, 3)
    rays = 1.7 * plucker_rays(intrinsics, poses, 6, 8)  # the length of a ray does not matter
    torch.testing.assert_close(cameras_from_rays(rays, intrinsics), poses, atol=1e-5, rtol=0)  # poses are float32
