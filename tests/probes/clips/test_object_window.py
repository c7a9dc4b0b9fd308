"""Windows and crops around an object: numbers by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from probes.clips.object_window import (
    ObjectWindow,
    Unsuitable,
    centred_crop,
    choose_window,
    object_box,
    truncation,
    union_with_border,
)


def test_every_trace_of_a_soft_mask_counts() -> None:
    mask = torch.zeros(6, 8, dtype=torch.uint8)
    assert object_box(mask) is None
    mask[2, 3], mask[4, 5] = 1, 200
    assert object_box(mask) == (3, 2, 6, 5)


def test_the_border_is_a_quarter_of_the_union_on_each_side_within_the_image() -> None:
    boxes = torch.tensor([[40, 40, 60, 60], [50, 30, 80, 50]])  # union 40..80 x 30..60
    assert union_with_border(boxes, (100, 100)) == (30, 22, 90, 68)  # 7.5 rounds to 8
    assert union_with_border(boxes, (62, 85)) == (30, 22, 85, 62)


def test_a_crop_is_centred_and_holds_the_box() -> None:
    assert centred_crop((80, 40, 110, 60), (100, 200), 2.0) == (80, 40, 120, 60)  # the left side is 20 from the centre
    assert centred_crop((90, 20, 110, 70), (100, 200), 2.0) == (40, 20, 160, 80)  # here the height decides


def test_a_crop_that_would_not_fit_is_the_largest_that_does() -> None:
    assert centred_crop((0, 0, 200, 100), (100, 200), 16 / 9) == (11, 0, 188, 100)
    assert centred_crop((0, 0, 90, 200), (200, 90), 16 / 9) == (0, 74, 90, 125)  # upright: a small part is left


@given(st.integers(20, 400), st.integers(20, 400), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_any_crop_is_inside_centred_and_of_the_ratio(
    height: int, width: int, a: float, b: float, c: float, d: float
) -> None:
    x0, y0 = int(a * (width - 1)), int(b * (height - 1))
    box = x0, y0, x0 + 1 + int(c * (width - 1 - x0)), y0 + 1 + int(d * (height - 1 - y0))
    left, top, right, bottom = centred_crop(box, (height, width))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert abs(left + right - width) <= 1
    assert abs(top + bottom - height) <= 1
    assert abs((bottom - top) - (right - left) * 9 / 16) <= 1  # whole pixels
    shrunk = right - left >= min(width, int(height * 16 / 9))
    assert shrunk or (left <= box[0] and box[2] <= right and top <= box[1] and box[3] <= bottom)


def test_truncation_is_the_share_of_area_outside_over_all_frames() -> None:
    boxes = torch.tensor([[0, 0, 10, 10], [20, 0, 30, 30]])  # areas 100 and 300
    assert truncation(boxes, (5, 0, 40, 40)) == pytest.approx(50 / 400)
    assert truncation(boxes, (50, 50, 60, 60)) == 1


def test_the_window_that_truncates_least_is_taken_and_of_equal_ones_the_first() -> None:
    middle, edge = (40, 10, 60, 30), (0, 10, 20, 30)
    boxes = [edge] * 4 + [middle] * 12
    assert choose_window(boxes, (50, 100), count=4, aspect=2.0).start == 0  # a crop of 2 : 1 can hold all of the image
    narrow = choose_window(boxes, (100, 100), count=4, aspect=0.5)  # at most 50 wide: the object at the edge is lost
    assert narrow == ObjectWindow(4, 4, (27, 5, 72, 95), 0.0)


def test_windows_start_at_multiples_of_the_step() -> None:
    middle, edge = (40, 40, 60, 60), (0, 40, 20, 60)
    boxes = [edge] * 3 + [middle] * 4 + [edge] * 3
    assert choose_window(boxes, (100, 100), count=4, step=1, aspect=0.5).start == 3
    assert choose_window(boxes, (100, 100), count=4, step=4, aspect=0.5).start == 4


def test_a_window_with_an_empty_mask_is_left_out() -> None:
    box = (40, 40, 60, 60)
    assert choose_window([box, None] + [box] * 7, (100, 100), count=4).start == 4
    with pytest.raises(Unsuitable, match="no window of 4 frames"):
        choose_window([box, None, box, box, None, box], (100, 100), count=4)
    with pytest.raises(Unsuitable, match="it has 3 frames, a window takes 4"):
        choose_window([box] * 3, (100, 100), count=4)


def test_upsampling_is_that_of_the_worse_side() -> None:
    assert ObjectWindow(0, 81, (0, 0, 640, 300), 0.0).upsampling((540, 960)) == pytest.approx(1.8)
