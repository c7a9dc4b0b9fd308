"""Pointing at regions by oriented 3D boxes: with depth by the points within, without by rays."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.geometry import (
    PointMap,
    default_intrinsics,
    invert,
    matrix,
    project,
    transform,
    transform_points,
    unproject,
)
from models.regions import Region, box_masks

HEIGHT, WIDTH = 24, 32
INTRINSICS = default_intrinsics(HEIGHT, WIDTH)[None]
LEVEL = torch.tensor([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # looks along world y, z up


def _pose(x: float, y: float, z: float, yaw: float = 0.0) -> Tensor:
    turn = torch.tensor(
        [[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]], dtype=torch.float32
    )
    return matrix(turn, torch.tensor([x, y, z], dtype=torch.float32))


def _wall(distance: float) -> PointMap:
    """See a wall straight ahead."""
    depth = torch.full((1, HEIGHT, WIDTH), float(distance))
    return transform(unproject(depth, INTRINSICS), LEVEL[None], "world")


def test_a_3d_box_marks_the_points_within_it() -> None:
    region = Region.from_box3d(_pose(0, 4, 0), (1, 1, 1), INTRINSICS, LEVEL[None], HEIGHT, WIDTH, _wall(4))
    xyz = _wall(4).xyz[0]
    assert torch.equal(region.masks[0], (xyz[..., 0].abs() <= 0.5) & (xyz[..., 2].abs() <= 0.5))


def test_what_hides_a_3d_box_is_left_out() -> None:
    near = torch.full((1, HEIGHT, WIDTH), 4.0)
    near[..., : WIDTH // 2] = 2.0  # the left half is hidden
    hidden = transform(unproject(near, INTRINSICS), LEVEL[None], "world")
    box = (_pose(0, 4, 0), (1, 1, 1), INTRINSICS, LEVEL[None], HEIGHT, WIDTH)
    whole, half = Region.from_box3d(*box, _wall(4)).masks[0], Region.from_box3d(*box, hidden).masks[0]
    assert not half[:, : WIDTH // 2].any()
    assert torch.equal(half[:, WIDTH // 2 :], whole[:, WIDTH // 2 :])
    assert whole[:, : WIDTH // 2].any()


def test_the_flat_face_of_a_tight_3d_box_belongs_to_it() -> None:
    region = Region.from_box3d(_pose(0, 4.5, 0), (1, 1, 1), INTRINSICS, LEVEL[None], HEIGHT, WIDTH, _wall(4))
    assert region.masks[0].any()


@given(st.floats(-1, 1), st.floats(3, 6), st.floats(-1, 1), st.floats(-3, 3), st.floats(0.2, 2), st.floats(0.2, 2))
@settings(max_examples=25, deadline=None)
def test_without_depth_a_3d_box_marks_the_convex_hull_of_its_corners(
    x: float, y: float, z: float, yaw: float, length: float, tall: float
) -> None:
    size = (length, 0.5, tall)
    world_T_box = _pose(x, y, z, yaw)
    mask = box_masks(world_T_box, size, INTRINSICS, LEVEL[None], HEIGHT, WIDTH)[0]
    corners = torch.tensor([[i, j, k] for i in (-0.5, 0.5) for j in (-0.5, 0.5) for k in (-0.5, 0.5)])
    cam_T_box = invert(LEVEL) @ world_T_box
    hull = project(transform_points(corners * torch.tensor(size), cam_T_box), INTRINSICS[0])
    v, u = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    pixels = torch.stack([u, v], -1)
    # a pixel is outside the hull if some direction separates it from all corners
    angle = torch.linspace(0, 2 * math.pi, 721)
    direction = torch.stack([angle.cos(), angle.sin()])
    beyond = (pixels @ direction - (hull @ direction).amax(0)).amax(-1)  # pixels, > 0 outside
    # outside by less than this is not seen: directions are half a degree apart, edges as long as the hull
    unseen = float((hull.amax(0) - hull.amin(0)).norm()) * math.pi / 720
    assert mask[beyond < -0.01 - unseen].all()
    own = project(cam_T_box[:3, 3], INTRINSICS[0]).floor()  # marked in any case
    mask[(v.floor() == own[1]) & (u.floor() == own[0])] = False
    assert not mask[beyond > 0.01].any()


def test_a_frame_without_depth_takes_the_hull_and_one_with_depth_the_points() -> None:
    poses = LEVEL.expand(2, 4, 4)
    intrinsics = INTRINSICS.expand(2, 3, 3)
    depth = torch.stack([torch.zeros(HEIGHT, WIDTH), torch.full((HEIGHT, WIDTH), 2.0)])  # a wall before the box
    points = transform(unproject(depth, intrinsics), poses, "world")
    region = Region.from_box3d(_pose(0, 4, 0), (1, 1, 1), intrinsics, poses, HEIGHT, WIDTH, points)
    assert list(region.masks) == [0]
    hull = box_masks(_pose(0, 4, 0), (1, 1, 1), intrinsics, poses, HEIGHT, WIDTH)
    assert torch.equal(region.masks[0], hull[0])


def test_a_box_around_the_camera_fills_the_image() -> None:
    assert box_masks(_pose(0, 0, 0), (2, 2, 2), INTRINSICS, LEVEL[None], HEIGHT, WIDTH).all()


def test_a_tiny_far_box_marks_the_pixel_under_its_centre() -> None:
    masks = box_masks(_pose(0.03, 40, 0.02), (1e-3, 1e-3, 1e-3), INTRINSICS, LEVEL[None], HEIGHT, WIDTH)
    assert masks[0].nonzero().tolist() == [[HEIGHT // 2 - 1, WIDTH // 2]]


@pytest.mark.parametrize("place", [(50, 4, 0), (0, -4, 0)])
def test_a_3d_box_beside_or_behind_the_camera_is_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="out of view or occluded in every frame"):
        Region.from_box3d(_pose(*map(float, place)), (1, 1, 1), INTRINSICS, LEVEL[None], HEIGHT, WIDTH)


def test_points_of_another_frame_than_the_world_are_refused() -> None:
    cam = unproject(torch.ones(1, HEIGHT, WIDTH), INTRINSICS)
    with pytest.raises(ValueError, match="needs world points"):
        Region.from_box3d(_pose(0, 4, 0), (1, 1, 1), INTRINSICS, LEVEL[None], HEIGHT, WIDTH, cam)
