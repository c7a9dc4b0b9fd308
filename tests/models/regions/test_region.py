"""Pointing at regions: by masks, boxes and clicks, and clear errors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.regions import Region


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
