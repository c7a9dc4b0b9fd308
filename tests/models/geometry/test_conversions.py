"""Other axes: z-up worlds, OpenGL cameras, gravity."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.geometry import (
    PointMap,
    cam_to_z_up,
    facing_T_world,
    intrinsics_from_ndc,
    invert,
    matrix,
    opencv_from_pytorch3d,
    project,
    swap_opengl,
    transform_points,
    z_up_T_tilted,
)
from tests.support.clips.random_geometry import random_poses


def test_camera_points_turn_to_x_right_y_forward_z_up() -> None:
    points = PointMap.from_xyz(torch.tensor([[[1.0, 2.0, 3.0]]]), "cam")
    world = cam_to_z_up(points)
    assert world.frame == "world"
    assert world.xyz[0, 0].tolist() == [1, 3, -2]
    with pytest.raises(ValueError, match="expected points in the frame 'cam'"):
        cam_to_z_up(world)


def test_opengl_cameras_look_along_minus_z_with_y_up() -> None:
    generator = torch.Generator().manual_seed(0)
    world_T_opencv = random_poses(generator, 4)
    world_T_opengl = swap_opengl(world_T_opencv)
    ahead_and_up = torch.tensor([1.0, 2.0, -3.0])  # OpenGL: right, up, backward
    same = torch.tensor([1.0, -2.0, 3.0])  # OpenCV: right, down, forward
    torch.testing.assert_close(
        transform_points(ahead_and_up, world_T_opengl), transform_points(same, world_T_opencv), atol=1e-6, rtol=1e-6
    )
    assert torch.equal(swap_opengl(world_T_opengl), world_T_opencv)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_up_turns_to_z_by_a_rotation_no_larger_than_needed(seed: int) -> None:
    up = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))
    turn = z_up_T_tilted(up)
    length = up.norm(dim=-1)
    turned = transform_points(up, turn)
    torch.testing.assert_close(turned, torch.tensor([0.0, 0.0, 1.0]) * length[:, None], atol=1e-5, rtol=0)
    torch.testing.assert_close(turn @ invert(turn), torch.eye(4).expand(4, 4, 4), atol=1e-5, rtol=0)
    angle_cos = (turn[:, :3, :3].diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2
    torch.testing.assert_close(angle_cos, up[:, 2] / length, atol=1e-5, rtol=0)


@pytest.mark.parametrize("up", [[0.0, 0.0, -1.0], [1e-7, 0.0, -1.0], [1e-4, 1e-4, -1.0], [0.0, 0.0, 2.0]])
def test_up_turns_to_z_where_it_points_straight_down_or_up(up: list[float]) -> None:
    turn = z_up_T_tilted(torch.tensor(up))
    torch.testing.assert_close(torch.linalg.det(turn), torch.tensor(1.0), atol=1e-5, rtol=0)
    turned = transform_points(torch.tensor(up), turn)
    torch.testing.assert_close(turned / turned.norm(), torch.tensor([0.0, 0.0, 1.0]), atol=1e-5, rtol=0)


def test_facing_turns_the_view_to_plus_y_and_keeps_up() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        forward = torch.nn.functional.normalize(torch.randn(3, generator=generator), dim=0)
        right = torch.nn.functional.normalize(torch.linalg.cross(forward, torch.tensor([0.0, 0, 1])), dim=0)
        rotation = torch.stack([right, torch.linalg.cross(forward, right), forward], -1)
        world_T_cam = matrix(rotation, torch.randn(3, generator=generator))
        turn = facing_T_world(world_T_cam)
        seen = turn[:3, :3] @ forward
        assert abs(float(seen[0])) < 1e-6  # single precision
        assert seen[1] > 0
        torch.testing.assert_close(turn[2], torch.tensor([0.0, 0, 1, 0]))
        torch.testing.assert_close(turn[:3, :3] @ turn[:3, :3].T, torch.eye(3))


def test_facing_of_a_camera_that_looks_down_goes_by_the_top_of_its_image() -> None:
    down = torch.eye(4)
    down[:3, :3] = torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]])  # image top (-y) points to -x of the world
    top = facing_T_world(down)[:3, :3] @ -down[:3, 1]
    torch.testing.assert_close(top, torch.tensor([0.0, 1, 0]))


def test_a_pytorch3d_point_up_and_left_lands_up_and_left() -> None:
    """By hand: (1 left, 2 up, 4 ahead) with f = 2 is at (0.5, 1) in NDC; half the shorter side of 200 x 100 is 50."""
    cam_T_world = opencv_from_pytorch3d(torch.eye(3), torch.zeros(3))
    centred = intrinsics_from_ndc(torch.tensor([2.0, 2.0]), torch.zeros(2), 100, 200)
    xyz = transform_points(torch.tensor([1.0, 2.0, 4.0]), cam_T_world)
    assert xyz.tolist() == [-1, -2, 4]
    assert project(xyz, centred).tolist() == [100 - 0.5 * 50, 50 - 1 * 50]
    shifted = intrinsics_from_ndc(torch.tensor([2.0, 2.0]), torch.tensor([0.1, -0.2]), 100, 200)
    torch.testing.assert_close(project(xyz, shifted), torch.tensor([70.0, 10.0]))


@pytest.mark.parametrize("isotropic", [True, False])
def test_pytorch3d_cameras_project_as_their_formulas_do(isotropic: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    rotation, translation = random_poses(generator, 5)[:, :3, :3], torch.randn(5, 3, generator=generator)
    focal, principal = 1 + torch.rand(5, 2, generator=generator), 0.2 * torch.randn(5, 2, generator=generator)
    world = torch.randn(5, 3, generator=generator)
    cam = torch.einsum("ni,nij->nj", world, rotation) + translation  # row vectors: X R + T
    cam[:, 2] = cam[:, 2].abs() + 1  # in front of the camera
    world = torch.einsum("nj,nij->ni", cam - translation, rotation)
    ndc = focal * cam[:, :2] / cam[:, 2:] + principal
    height, width = 480, 640
    unit = torch.tensor([240.0, 240.0] if isotropic else [320.0, 240.0])
    pixels = torch.tensor([width / 2, height / 2]) - unit * ndc
    found = project(
        transform_points(world, opencv_from_pytorch3d(rotation, translation)),
        intrinsics_from_ndc(focal, principal, height, width, isotropic),
    )
    torch.testing.assert_close(found, pixels, atol=1e-2, rtol=1e-5)  # of hundreds of pixels, in single precision
