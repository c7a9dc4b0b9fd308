"""Pointing at regions: by masks, boxes, clicks and 3D boxes, and clear errors."""

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


def test_a_box_marks_the_pixels_it_touches() -> None:
    region = Region.from_box((1, 2, 4, 3.5), height=6, width=8, frame=3)
    expected = torch.zeros(6, 8, dtype=torch.bool)
    expected[2:4, 1:4] = True
    assert list(region.masks) == [3]
    assert torch.equal(region.masks[3], expected)


def test_a_box_smaller_than_a_pixel_marks_that_pixel() -> None:
    assert Region.from_box((2.1, 3.1, 2.2, 3.2), 6, 8).masks[0].nonzero().tolist() == [[3, 2]]


def test_a_box_over_the_border_is_cut() -> None:
    assert Region.from_box((-5, -5, 2, 1), 6, 8).masks[0].nonzero().tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("box", [(8, 0, 9, 3), (-3, 0, 0, 3), (0, 6, 3, 7), (0, -2, 3, 0)])
def test_a_box_outside_the_image_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="outside the image of 8 x 6 pixels"):
        Region.from_box(box, height=6, width=8)


@pytest.mark.parametrize("box", [(3, 0, 3, 3), (4, 0, 3, 3)])
def test_a_box_without_area_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="has no area"):
        Region.from_box(box, height=6, width=8)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        Region.from_box((0, 0, number, 3), height=6, width=8)
    with pytest.raises(ValueError, match="radius"):
        Region.from_points([(1, 1)], number, height=6, width=8)


def test_a_negative_radius_is_refused() -> None:
    with pytest.raises(ValueError, match="radius of -3 pixels marks nothing"):
        Region.from_points([(1, 1)], -3, height=6, width=8)


@pytest.mark.parametrize("box", [(0.1, 0.3, 0.4, 0.8), (0.6, 0.3, 0.9, 0.8), (0, 0, 1, 1), (0, 0, 0.5, 1)])
def test_a_box_of_shares_of_the_image_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"shares of the image .* x by its width, 160, and y by its height, 120"):
        Region.from_box(box, height=120, width=160)


def test_a_point_of_shares_of_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="shares of the image"):
        Region.from_points([(0.3, 0.7)], 2, height=120, width=160)


def test_the_first_pixel_of_an_image_can_be_marked() -> None:
    first = [[0, 0]]
    assert Region.from_points([(0, 0)], 0, height=120, width=160).masks[0].nonzero().tolist() == first
    assert Region.from_points([(0.5, 0.5)], 0, height=6, width=8).masks[0].nonzero().tolist() == first
    assert Region.from_box((0, 0, 1, 1), height=120, width=3).masks[0].nonzero().tolist() == first


@given(
    x=st.floats(0, 39.9),
    y=st.floats(0, 29.9),
    radius=st.floats(0, 60),
)
@settings(max_examples=50, deadline=None)
def test_a_disc_holds_the_pixels_whose_centres_are_near(x: float, y: float, radius: float) -> None:
    v, u = torch.arange(30)[:, None] + 0.5, torch.arange(40) + 0.5
    near = (u - x) ** 2 + (v - y) ** 2 <= radius**2
    near[int(y), int(x)] = True
    if x > 1 or y > 1:
        assert torch.equal(Region.from_points([(x, y)], radius, height=30, width=40).masks[0], near)


@given(corner=st.tuples(st.floats(-9, 50), st.floats(-9, 40)), size=st.tuples(st.floats(0.1, 70), st.floats(0.1, 70)))
@settings(max_examples=50, deadline=None)
def test_a_box_holds_the_pixels_that_it_touches(corner: tuple[float, float], size: tuple[float, float]) -> None:
    (x0, y0), (x1, y1) = corner, (corner[0] + size[0], corner[1] + size[1])
    v, u = torch.arange(30).double()[:, None], torch.arange(40).double()
    touched = (u < x1) & (u + 1 > x0) & (v < y1) & (v + 1 > y0)
    if touched.any() and max(x1, y1) > 1:
        assert torch.equal(Region.from_box((x0, y0, x1, y1), height=30, width=40).masks[0], touched)


def test_a_click_marks_a_disc_and_at_least_its_own_pixel() -> None:
    assert Region.from_points([(2.9, 1.1)], 0, 6, 8).masks[0].nonzero().tolist() == [[1, 2]]
    disc = Region.from_points([(3.5, 2.5), (7.5, 5.5)], radius=1, height=6, width=8).masks[0]
    assert disc.nonzero().tolist() == [[1, 3], [2, 2], [2, 3], [2, 4], [3, 3], [4, 7], [5, 6], [5, 7]]


@pytest.mark.parametrize("point", [(8, 1), (-0.1, 1), (1, 6), (math.nan, 1)])
def test_a_click_outside_the_image_is_refused(point: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="outside the image of 8 x 6 pixels"):
        Region.from_points([point], 2, height=6, width=8)


def test_an_empty_mask_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="region the cup is empty"):
        Region.from_mask(torch.zeros(4, 4, dtype=torch.bool), name="the cup")


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
