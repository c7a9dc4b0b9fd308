"""Marks as JSON: what comes back, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from region4d.app.marks import BoxMark, ClickMark, MaskMark, PointMark, StrokeMark, from_canvas, to_canvas
from region4d.app.marks.reading import MOST_MARKS

BOX = {"region": 0, "frame": 0, "box": [1, 1, 5, 5]}
STROKE = {"region": 0, "frame": 0, "stroke": [[1, 1], [5, 5]], "radius": 3}


def test_marks_come_back_from_the_canvas_as_they_went() -> None:
    marks = [
        BoxMark(0, 1, 2.0, 3.0, 9.5, 10.0),
        StrokeMark(0, 1, ((2.0, 3.0), (4.5, 6.0)), 6.0),
        StrokeMark(0, 1, ((2.0, 3.0),), 2.0, erase=True),
        PointMark(1, 0, 7.0, 8.0),
        ClickMark(2, 2, 7.0, 8.0),
        ClickMark(2, 2, 1.0, 1.0, inside=False),
        MaskMark(2, 2, (0, 12, 588)),
    ]
    assert from_canvas(to_canvas(marks), 3) == marks
    assert from_canvas(None, 3) == []


@pytest.mark.parametrize(
    "value",
    [
        "boxes",
        {"a": 1},
        [[0, 0, 1, 1, 5, 5]],
        [{"region": 0, "frame": 0}],
        [BOX | {"point": [1, 1]}],
        [BOX | {"erase": True}],
        [BOX | {"box": [1, 1, 5]}],
        [BOX | {"box": [1, 1, 5, "9"]}],
        [BOX | {"box": [1, 1, 5, float("nan")]}],
        [BOX | {"box": [1, 1, 5, 1e12]}],
        [BOX | {"frame": 3}],
        [BOX | {"frame": 0.5}],
        [BOX | {"frame": None}],
        [BOX | {"region": -1}],
        [BOX | {"region": 10}],
        [BOX | {"region": True}],
        [BOX] * (MOST_MARKS + 1),
        [STROKE | {"radius": 0}],
        [STROKE | {"radius": 501}],
        [STROKE | {"radius": "6"}],
        [STROKE | {"erase": 1}],
        [STROKE | {"stroke": []}],
        [STROKE | {"stroke": [[1, 2, 3]]}],
        [STROKE | {"stroke": [[1, 2]] * 1001}],
        [STROKE | {"stroke": [[1, 2]] * 1000}] * 21,
        [{"region": 0, "frame": 0, "mask": [3, -1, 598]}],
        [{"region": 0, "frame": 0, "mask": [1.5, 598.5]}],
        [{"region": 0, "frame": 0, "mask": "PP1"}],
        [{"region": 0, "frame": 0, "mask": [1] * 1_000_001}],
        [{"region": 0, "frame": 0, "click": [1, 1], "inside": "no"}],
    ],
)
def test_anything_else_is_refused_in_one_short_line(value: Any) -> None:
    with pytest.raises(ValueError, match="region") as error:
        from_canvas(value, 3)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_mark_without_numbers_is_of_region_0_on_frame_0() -> None:
    (mark,) = from_canvas([{"box": [1, 2, 3, 4]}], 2)
    assert (mark.region, mark.frame) == (0, 0)
