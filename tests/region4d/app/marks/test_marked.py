"""From what is drawn on the canvas to regions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from region4d.app.marks import BoxMark, CanvasMark, ClickMark, MaskMark, PointMark, StrokeMark, mark_clip, mark_regions
from region4d.app.opening import Opened
from region4d.footage import parse_pointers
from scenes.clip import Clip

QUESTION = "How tall is <region0>?"


def opened(**known: Any) -> Opened:
    clip = Clip(torch.zeros(3, 3, 20, 30, dtype=torch.uint8), torch.arange(3.0), **known)
    return Opened(clip, "clip", "video", None if clip.depth is None else "test", "assumed")


def test_a_region_is_marked_on_every_frame_that_has_a_box() -> None:
    marked = mark_clip(opened(), [BoxMark(0, 0, 2, 3, 9, 10), BoxMark(0, 2, 4, 3, 9, 10)], QUESTION)
    (region,) = marked.regions
    assert sorted(region.masks) == [0, 2]
    assert int(region.masks[0].sum()) == 7 * 7


def test_strokes_add_and_erase_in_their_order() -> None:
    box, brush, eraser = (
        BoxMark(0, 1, 2, 3, 9, 10),
        StrokeMark(0, 1, ((20, 5),), 2),
        StrokeMark(0, 1, ((5, 6),), 30, True),
    )
    (region,) = mark_regions(opened(), [box, eraser, brush]).regions
    assert region.masks[1].nonzero().tolist() == brush.mask(20, 30).nonzero().tolist()
    (region,) = mark_regions(opened(), [BoxMark(0, 0, 2, 3, 9, 10), box, eraser]).regions
    assert sorted(region.masks) == [0]
    with pytest.raises(ValueError, match="nothing is left of region 0"):
        mark_regions(opened(), [box, brush, eraser])


def test_an_eraser_leaves_other_regions_alone() -> None:
    marks = [BoxMark(0, 0, 2, 3, 9, 10), BoxMark(1, 0, 2, 3, 9, 10), StrokeMark(1, 0, ((2, 3),), 4, True)]
    one, other = mark_regions(opened(), marks).regions
    assert int(one.masks[0].sum()) == 49
    assert int(other.masks[0].sum()) == 49 - 13  # pixel centres within 4 of a corner: 4 + 4 + 3 + 2


def test_a_point_is_the_disc_of_ask() -> None:
    (mark,) = parse_pointers([], ["10.2,9.5@1"], [])[0].marks(opened().clip)
    (region,) = mark_regions(opened(), [PointMark(0, 1, 10.2, 9.5)]).regions
    assert torch.equal(region.masks[1], mark.mask)


def test_a_mask_comes_back_from_its_runs() -> None:
    mask = torch.rand(20, 30, generator=torch.Generator().manual_seed(0)) < 0.4
    for each in (mask, ~mask, torch.ones_like(mask)):
        assert torch.equal(MaskMark.of(0, 0, each).mask(20, 30), each)
    with pytest.raises(ValueError, match="region 0 on frame 0: a mask of 12 pixels does not fit a frame of 30 x 20"):
        mark_regions(opened(), [MaskMark(0, 0, (0, 12))])


def test_a_click_needs_the_mask_that_a_segmenter_makes_of_it() -> None:
    click, mask = ClickMark(0, 1, 5, 5), MaskMark.of(0, 1, torch.ones(20, 30, dtype=torch.bool))
    with pytest.raises(ValueError, match="no segmenter has made a mask of the clicks of region 0"):
        mark_regions(opened(), [click])
    marked = mark_regions(opened(), [click, mask])
    assert int(marked.regions[0].masks[1].sum()) == 600
    assert marked.marks[0].pointer.kind == "click"


@pytest.mark.parametrize("mark", [BoxMark(0, 0, 40, 3, 49, 10), PointMark(0, 0, 30, 5)])
def test_a_mark_outside_of_its_frame_is_named(mark: CanvasMark) -> None:
    with pytest.raises(ValueError, match=r"region 0 on frame 0: .* outside the image of 30 x 20"):
        mark_regions(opened(), [mark])


@pytest.mark.parametrize(
    ("question", "marks", "said"),
    [
        (" ", [BoxMark(0, 0, 2, 3, 9, 10)], "no question"),
        (QUESTION, [], "<region0>, which is not drawn"),
        ("How many?", [BoxMark(0, 0, 2, 3, 9, 10)], "<region0> is drawn, but"),
        ("How tall is <region1>?", [BoxMark(1, 0, 2, 3, 9, 10)], "without a gap"),
    ],
)
def test_a_question_and_its_regions_must_agree(question: str, marks: list[CanvasMark], said: str) -> None:
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


def test_a_region_without_depth_is_refused_where_the_clip_has_some() -> None:
    depth = torch.ones(3, 20, 30)
    depth[:, :10] = 0
    geometry = {"depth": depth, "intrinsics": torch.eye(3).expand(3, 3, 3), "world_T_cam": torch.eye(4).expand(3, 4, 4)}
    mark_clip(opened(**geometry), [BoxMark(0, 0, 2, 3, 9, 11)], QUESTION)
    with pytest.raises(ValueError, match="<region0> has no depth at any of its pixels"):
        mark_clip(opened(**geometry), [BoxMark(0, 0, 2, 3, 9, 10)], QUESTION)
