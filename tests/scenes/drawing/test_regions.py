from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from models.regions import Region
from scenes.clip import Clip
from scenes.drawing.regions import (
    PALETTE,
    add_caption,
    contact_sheet,
    draw_answer,
    draw_regions,
    drawn_size,
    region_colour,
)


def grey_clip(time: int = 6, size: int = 400) -> Clip:
    return Clip(torch.full((time, 3, size, size), 90, dtype=torch.uint8), torch.arange(time).float())


def box(top: int, left: int, bottom: int, right: int, size: int = 400) -> torch.Tensor:
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return mask


def test_a_region_is_tinted_inside_outlined_at_its_border_and_nothing_else_changes() -> None:
    mask = box(100, 50, 300, 250)
    drawn = torch.from_numpy(np.array(draw_regions(grey_clip().video[0], {1: mask})))
    colour = torch.tensor(region_colour(1))
    assert torch.equal(drawn[100, 150], colour.to(torch.uint8))
    inside = drawn[130, 70].float()
    assert ((inside - 90) * (colour - 90) > 0).all()  # moved towards the colour, not all the way
    assert (drawn[~mask] == 90).all()


def test_a_region_of_one_pixel_is_drawn() -> None:
    drawn = np.array(draw_regions(grey_clip().video[0], {0: box(10, 10, 11, 11)}))
    assert (drawn != 90).any()


def test_small_frames_are_enlarged_by_whole_pixels() -> None:
    assert draw_regions(grey_clip(size=64).video[0], {}).size == (320, 320)


def test_the_colours_of_regions_differ() -> None:
    colours = torch.tensor(PALETTE).float()
    distance = torch.cdist(colours, colours) + 1e3 * torch.eye(len(PALETTE))
    assert distance.min() > 60  # of 441


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


@pytest.mark.parametrize(
    ("height", "width", "drawn"),
    [
        (64, 64, (320, 320)),
        (480, 640, (480, 640)),
        (1080, 1920, (1080, 1920)),
        (2160, 3840, (1125, 2000)),
        (4320, 7680, (1125, 2000)),
        (13300, 13300, (2000, 2000)),
        (100, 1000, (200, 2000)),  # three times as large would leave 2,000 pixels
        (2, 4000, (48, 2000)),
        (4000, 2, (2000, 48)),
        (3000, 1, (2000, 48)),
        (8, 20000, (48, 2000)),
    ],
)
def test_the_longer_side_of_a_drawn_frame_is_bounded(height: int, width: int, drawn: tuple[int, int]) -> None:
    assert drawn_size(height, width) == drawn


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


def test_a_label_at_the_border_is_whole() -> None:
    def ink(top: int, left: int) -> int:
        drawn = np.array(draw_regions(grey_clip().video[0], {1: box(top, left, top + 1, left + 1)}))
        return int((drawn == (30, 30, 30)).all(-1).sum())

    assert ink(200, 200) > 0
    assert ink(399, 399) == ink(0, 0) == ink(200, 200)


def test_a_narrow_picture_has_a_caption_and_titles_that_can_be_read() -> None:
    clip = Clip(torch.full((1, 3, 400, 1), 90, dtype=torch.uint8), torch.zeros(1))
    sheet = draw_answer(clip, [], "A question of several words about the clip", "yes")
    assert sheet.width >= 320
    assert sheet.height < 2000 + 200


def test_a_word_that_is_wider_than_the_picture_is_broken() -> None:
    picture = draw_regions(grey_clip().video[0], {})
    one, long = add_caption(picture, ["x"]), add_caption(picture, ["x" * 500])
    assert long.height > one.height + 5 * 15
