"""From clicks to masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from jaxtyping import UInt8
from torch import Tensor

from models.segmenters import Prompt, Segmentation, Segmenter, open_segmenter
from region4d.app.marks import BoxMark, CanvasMark, ClickMark, MaskMark, StrokeMark, mark_regions, segment_clicks
from region4d.app.opening import Opened
from scenes.clip import Clip


class SquareSegmenter:
    """Finds a square around the first click on the object, in the frame of the click or, as a tracker, in all."""

    def __init__(self, tracks: bool = True, side: int = 6) -> None:
        self.tracks, self.side = tracks, side

    def __call__(
        self, video: UInt8[Tensor, "time 3 height width"], prompts: Sequence[Prompt]
    ) -> Sequence[Segmentation]:
        found = []
        for prompt in prompts:
            click = next(each for each in prompt.clicks if each.inside)
            mask = torch.zeros(video.shape[-2:], dtype=torch.bool)
            top, left = int(click.y) - self.side // 2, int(click.x) - self.side // 2
            mask[top : top + self.side, left : left + self.side] = True
            frames = range(len(video)) if self.tracks else [click.frame]
            found.append(Segmentation({frame: mask for frame in frames if self.side}))
        return found


def clip(**known: object) -> Clip:
    return Clip(torch.zeros(3, 3, 20, 30, dtype=torch.uint8), torch.arange(3.0), **known)  # type: ignore[arg-type]


def test_a_click_becomes_masks_where_it_stands_so_that_later_strokes_still_erase() -> None:
    eraser = StrokeMark(0, 1, ((10, 10),), 40, True)
    marks: list[CanvasMark] = [BoxMark(1, 0, 1, 1, 5, 5), ClickMark(0, 0, 10, 10), eraser]
    made = segment_clicks(clip(), marks, 0, SquareSegmenter())
    assert [type(mark).__name__ for mark in made] == ["BoxMark", "ClickMark", *["MaskMark"] * 3, "StrokeMark"]
    region = mark_regions(Opened(clip(), "clip", "video", None, "assumed"), made).regions[0]
    assert sorted(region.masks) == [0, 2]


def test_another_click_replaces_the_masks_of_its_region_alone() -> None:
    other = MaskMark.of(1, 0, torch.ones(20, 30, dtype=torch.bool))
    first = segment_clicks(clip(), [other, ClickMark(0, 0, 10, 10)], 0, SquareSegmenter())
    second = segment_clicks(clip(), [*first, ClickMark(0, 1, 12, 12, inside=False)], 0, SquareSegmenter())
    assert [type(mark).__name__ for mark in second] == ["MaskMark", *["ClickMark"] * 2, *["MaskMark"] * 3]
    assert second[0] is other


def test_depth_without_poses_is_segmented_on_the_frame_of_the_click_alone() -> None:
    unjoined = clip(depth=torch.ones(3, 20, 30), intrinsics=torch.eye(3).expand(3, 3, 3))
    made = segment_clicks(unjoined, [ClickMark(0, 2, 10, 10)], 0, SquareSegmenter())
    assert [(type(mark).__name__, mark.frame) for mark in made] == [("ClickMark", 2), ("MaskMark", 2)]
    with pytest.raises(ValueError, match="clicked on frames 0, 2, but no camera poses join"):
        segment_clicks(unjoined, [*made, ClickMark(0, 0, 10, 10)], 0, SquareSegmenter())


def test_what_a_segmenter_of_single_frames_finds_is_followed_to_the_others() -> None:
    made = segment_clicks(clip(), [ClickMark(0, 1, 10, 10)], 0, SquareSegmenter(tracks=False))
    assert {mark.frame for mark in made if isinstance(mark, MaskMark)} == {0, 1, 2}


def test_nothing_found_and_no_click_on_the_object_are_refused() -> None:
    with pytest.raises(ValueError, match="finds nothing at the clicks of region 0"):
        segment_clicks(clip(), [ClickMark(0, 0, 10, 10)], 0, SquareSegmenter(side=0))
    with pytest.raises(ValueError, match="region 0 has no click on the object"):
        segment_clicks(clip(), [ClickMark(0, 0, 10, 10, inside=False)], 0, SquareSegmenter())


def test_sam_2_makes_a_mask_of_a_click(tmp_path: Path) -> None:
    from tests.support.folders.segmenter_checkpoints import write_sam2

    segmenter: Segmenter = open_segmenter(write_sam2(tmp_path / "sam2"), "click")
    video = torch.randint(0, 255, (2, 3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    made = segment_clicks(Clip(video, torch.arange(2.0)), [ClickMark(0, 0, 30, 20)], 0, segmenter)
    assert any(isinstance(mark, MaskMark) for mark in made)
