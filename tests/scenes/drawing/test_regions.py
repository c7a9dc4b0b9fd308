from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from models.regions import Region
from models.regions.drawing import draw_regions, region_colour
from scenes.clip import Clip
from scenes.drawing.regions import add_caption, contact_sheet, draw_answer


def grey_clip(time: int = 6, size: int = 400) -> Clip:
    return Clip(torch.full((time, 3, size, size), 90, dtype=torch.uint8), torch.arange(time).float())


def box(top: int, left: int, bottom: int, right: int, size: int = 400) -> torch.Tensor:
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return mask


def test_a_contact_sheet_holds_every_picture_in_rows() -> None:
    pictures = [draw_regions(frame, {}) for frame in grey_clip(5, 320).video]
    sheet = contact_sheet(pictures, columns=2)
    assert 2 * 320 <= sheet.width < 3 * 320
    assert 3 * 320 <= sheet.height < 4 * 320


def test_a_long_caption_is_wrapped_below_the_picture() -> None:
    picture = draw_regions(grey_clip().video[0], {})
    short = add_caption(picture, ["Q: short"])
    long = add_caption(picture, ["Q: " + "a long question about <region0> " * 8])
    assert short.width == long.width == picture.width
    assert long.height > short.height > picture.height
    assert np.array_equal(np.array(long)[: picture.height], np.array(picture))


def test_mentions_stand_in_the_colour_of_their_region() -> None:
    caption = np.array(add_caption(draw_regions(grey_clip().video[0], {}), ["Is <region2> red?"]))[400:]
    assert (caption == region_colour(2)).all(-1).any()
    assert not (caption == region_colour(1)).all(-1).any()


def test_an_answer_shows_the_frames_where_regions_are_marked() -> None:
    clip = grey_clip(12)
    regions = [Region.from_mask(box(50, 50, 150, 150), frame=9), Region.from_mask(box(200, 200, 350, 350), frame=3)]
    drawn = np.array(draw_answer(clip, regions, "Which is nearer, <region0> or <region1>?", "A", frames=2))
    for index in range(2):
        assert (drawn == region_colour(index)).all(-1).sum() > 500


@pytest.mark.parametrize(("height", "width"), [(2, 4000), (4000, 2), (3000, 1), (8, 20000), (3024, 4032), (4320, 7680)])
def test_a_long_or_large_frame_is_drawn_in_seconds_with_its_regions(height: int, width: int) -> None:
    clip = Clip(torch.full((1, 3, height, width), 90, dtype=torch.uint8), torch.zeros(1))
    masks = [torch.zeros(height, width, dtype=torch.bool) for _ in range(2)]
    masks[0][: height // 3 + 1, : width // 3 + 1] = True
    masks[1][-1, -1] = True  # one pixel
    start = time.perf_counter()
    drawn = np.array(draw_answer(clip, [Region.from_mask(mask) for mask in masks], "<region0> <region1>?", "A"))
    assert time.perf_counter() - start < 20  # 12 megapixels took 96 s on these two busy cores
    assert drawn.size < 3 * 2100 * 2200
    for index in range(2):
        assert (drawn[:-60] == region_colour(index)).all(-1).sum() > 100  # above the caption


def test_a_narrow_picture_has_a_caption_and_titles_that_can_be_read() -> None:
    clip = Clip(torch.full((1, 3, 400, 1), 90, dtype=torch.uint8), torch.zeros(1))
    sheet = draw_answer(clip, [], "A question of several words about the clip", "yes")
    assert sheet.width >= 320
    assert sheet.height < 2000 + 200


def test_a_word_that_is_wider_than_the_picture_is_broken() -> None:
    picture = draw_regions(grey_clip().video[0], {})
    one, long = add_caption(picture, ["x"]), add_caption(picture, ["x" * 500])
    assert long.height > one.height + 5 * 15
