"""From boxes of the canvas to regions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from region4d.app.marks import BoxMark, from_canvas, mark_clip, to_canvas
from region4d.app.opening import Opened
from scenes.clip import Clip

QUESTION = "How tall is <region0>?"


def opened(**known: Any) -> Opened:
    clip = Clip(torch.zeros(3, 3, 20, 30, dtype=torch.uint8), torch.arange(3.0), **known)
    return Opened(clip, "clip", "video", None if clip.depth is None else "test", "assumed")


def test_marks_come_back_from_the_canvas_as_they_went() -> None:
    marks = [BoxMark(0, 1, 2.0, 3.0, 9.5, 10.0), BoxMark(1, 0, 0.0, 0.0, 5.0, 5.0)]
    assert from_canvas(to_canvas(marks), 3) == marks
    assert from_canvas(None, 3) == []


@pytest.mark.parametrize(
    "value",
    [
        "boxes",
        {"a": 1},
        [[0, 0, 1, 1, 5]],
        [[0, 0, 1, 1, 5, "9"]],
        [[0, 0, 1, 1, 5, float("nan")]],
        [[0, 3, 1, 1, 5, 5]],
        [[-1, 0, 1, 1, 5, 5]],
        [[10, 0, 1, 1, 5, 5]],
        [[0, 0, 1, 1, 5, 5]] * 201,
    ],
)
def test_anything_but_boxes_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="region"):
        from_canvas(value, 3)


def test_a_region_is_marked_on_every_frame_that_has_a_box() -> None:
    marked = mark_clip(opened(), [BoxMark(0, 0, 2, 3, 9, 10), BoxMark(0, 2, 4, 3, 9, 10)], QUESTION)
    (region,) = marked.regions
    assert sorted(region.masks) == [0, 2]
    assert int(region.masks[0].sum()) == 7 * 7


@pytest.mark.parametrize(
    ("question", "marks", "said"),
    [
        (" ", [BoxMark(0, 0, 2, 3, 9, 10)], "no question"),
        (QUESTION, [], "<region0>, which is not drawn"),
        ("How many?", [BoxMark(0, 0, 2, 3, 9, 10)], "<region0> is drawn, but"),
        ("How tall is <region1>?", [BoxMark(1, 0, 2, 3, 9, 10)], "without a gap"),
    ],
)
def test_a_question_and_its_regions_must_agree(question: str, marks: list[BoxMark], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        mark_clip(opened(), marks, question)


def test_depth_without_poses_keeps_the_frame_of_the_boxes() -> None:
    geometry = {"depth": torch.ones(3, 20, 30), "intrinsics": torch.eye(3).expand(3, 3, 3)}
    mark = BoxMark(0, 2, 2, 3, 9, 10)
    marked = mark_clip(opened(**geometry), [mark], QUESTION)
    assert (len(marked.clip), marked.frame, float(marked.clip.seconds[0])) == (1, 2, 2.0)
    assert sorted(marked.regions[0].masks) == [0]
    with pytest.raises(ValueError, match=r"frames 1, 2, but no camera poses"):
        mark_clip(opened(**geometry), [mark, replace(mark, frame=1)], QUESTION)
