from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion

from models.regions import Region
from models.regions.drawing import PALETTE, draw_regions, drawn_size, mark_regions, region_colour


def grey(size: int = 400) -> torch.Tensor:
    return torch.full((3, size, size), 90, dtype=torch.uint8)


def box(top: int, left: int, bottom: int, right: int, size: int = 400) -> torch.Tensor:
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return mask


def test_a_region_is_tinted_inside_outlined_at_its_border_and_nothing_else_changes() -> None:
    mask = box(100, 50, 300, 250)
    drawn = torch.from_numpy(np.array(draw_regions(grey(), {1: mask})))
    colour = torch.tensor(region_colour(1))
    assert torch.equal(drawn[100, 150], colour.to(torch.uint8))
    inside = drawn[130, 70].float()
    assert ((inside - 90) * (colour - 90) > 0).all()  # moved towards the colour, not all the way
    assert (drawn[~mask] == 90).all()


@pytest.mark.parametrize(("height", "width", "line"), [(400, 560, 2), (1280, 1700, 8)])
def test_an_outline_is_what_an_erosion_takes_off(height: int, width: int, line: int) -> None:
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[: height // 3, width // 5 : -width // 5] = True  # at the upper edge
    mask[height // 2 : height // 2 + 3 * line, 9:90] = True
    drawn = np.array(draw_regions(torch.zeros(3, height, width, dtype=torch.uint8), {0: mask}))
    border = binary_erosion(mask.numpy(), np.ones((2 * line + 1, 2 * line + 1)), border_value=1) ^ mask.numpy()
    label = (drawn != region_colour(0)).any(-1) & border  # which may cover a part of the outline
    assert label.sum() < 0.05 * border.sum()
    deeper = binary_erosion(mask.numpy(), np.ones((2 * line + 5, 2 * line + 5)), border_value=1)
    next_to_it = mask.numpy() & ~border & ~deeper  # two pixels
    assert ((drawn == region_colour(0)).all(-1) & next_to_it).sum() < 0.05 * next_to_it.sum()


def test_a_region_of_one_pixel_is_drawn() -> None:
    drawn = np.array(draw_regions(grey(), {0: box(10, 10, 11, 11)}))
    assert (drawn != 90).any()


def test_small_frames_are_enlarged_by_whole_pixels() -> None:
    assert draw_regions(grey(64), {}).size == (320, 320)


def test_the_colours_of_regions_differ() -> None:
    colours = torch.tensor(PALETTE).float()
    distance = torch.cdist(colours, colours) + 1e3 * torch.eye(len(PALETTE))
    assert distance.min() > 60  # of 441


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


def test_a_label_at_the_border_is_whole() -> None:
    def ink(top: int, left: int) -> int:
        drawn = np.array(draw_regions(grey(), {1: box(top, left, top + 1, left + 1)}))
        return int((drawn == (30, 30, 30)).all(-1).sum())

    assert ink(200, 200) > 0
    assert ink(399, 399) == ink(0, 0) == ink(200, 200)


def test_marks_are_drawn_on_the_frames_that_have_them_at_the_size_of_the_frames() -> None:
    video = grey(64).expand(3, 3, 64, 64).contiguous()
    region = Region({1: box(10, 10, 40, 40, 64)})
    marked = mark_regions(video, [region])
    assert marked.shape == video.shape
    assert torch.equal(marked[[0, 2]], video[[0, 2]])
    changed = (marked[1] != video[1]).any(0)
    assert changed[10:40, 10:40].float().mean() > 0.9
    assert not changed[:, 50:].any()
