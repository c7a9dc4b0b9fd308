"""Points over time from one viewpoint: those of the frame in colour, others pale, near ones before far ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from scenes.clip import Clip
from scenes.drawing.points import CAMERA, HEIGHT, PALE, WIDTH, draw_points, gather_points
from scenes.drawing.regions import GAP, PAPER

FRAMES, SIZE = 3, (48, 64)
GREEN, GREY = (0, 255, 0), (90, 90, 90)
PALE_GREEN = tuple(round(colour + PALE * (paper - colour)) for colour, paper in zip(GREEN, PAPER, strict=True))


@pytest.fixture
def clip() -> Clip:
    """A camera that moves to the right before a grey wall 4 metres away, and a green square that moves in between."""
    video = torch.full((FRAMES, 3, *SIZE), GREY[0], dtype=torch.uint8)
    depth = torch.full((FRAMES, *SIZE), 4.0)
    for frame in range(FRAMES):
        square = (slice(18, 30), slice(8 + 18 * frame, 18 + 18 * frame))
        video[frame][:, *square] = torch.tensor(GREEN, dtype=torch.uint8)[:, None, None]
        depth[frame][square] = 2.0
    world_T_cam = torch.tensor([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]).repeat(FRAMES, 1, 1)
    world_T_cam[:, 0, 3] = 0.2 * torch.arange(FRAMES)
    camera = torch.tensor([[50.0, 0, 32], [0, 50, 24], [0, 0, 1]]).expand(FRAMES, 3, 3)
    return Clip(video, torch.arange(FRAMES) / 2, depth, camera, world_T_cam)


def views(sheet: Image.Image, count: int) -> list[np.ndarray]:
    """Cut the pictures of points out of a sheet; they stand at its bottom."""
    top = sheet.height - GAP - HEIGHT
    lefts = [GAP + k * (WIDTH + GAP) for k in range(count)]
    return [np.asarray(sheet)[top : top + HEIGHT, left : left + WIDTH].astype(int) for left in lefts]


def pixels_of(view: np.ndarray, colour: tuple[int, ...]) -> np.ndarray:
    return np.argwhere(np.abs(view - colour).max(-1) <= 2)


def test_what_moves_is_in_colour_where_it_is_and_pale_where_it_was_or_will_be(clip: Clip) -> None:
    drawn = views(draw_points(clip, 3), 3)
    bright = [pixels_of(view, GREEN) for view in drawn]
    columns = [pixels[:, 1].mean() for pixels in bright]
    assert columns[0] + 20 < columns[1] < columns[2] - 20
    for k, view in enumerate(drawn):
        pale = {tuple(pixel) for pixel in pixels_of(view, PALE_GREEN)}
        for other in set(range(3)) - {k}:
            assert len(pale & {tuple(pixel) for pixel in bright[other]}) > 0.5 * len(bright[other])


def test_the_camera_is_drawn_and_all_views_show_the_same_wall(clip: Clip) -> None:
    drawn = views(draw_points(clip, 3), 3)
    red = [pixels_of(view, CAMERA)[:, 1].mean() for view in drawn]
    assert red[0] < red[1] < red[2]
    for view in drawn:
        grey = pixels_of(view, GREY)
        assert len(grey) > 0.1 * HEIGHT * WIDTH  # without gaps: the wall is a plane


def test_near_points_hide_far_ones_whatever_their_order(clip: Clip) -> None:
    first = draw_points(clip, 1)
    mirrored = replace(
        clip,
        video=clip.video.flip(0),
        depth=clip.depth.flip(0),
        world_T_cam=clip.world_T_cam.flip(0),
        seconds=clip.seconds,
    )
    (view,), *_ = [views(first, 1)]
    last = views(draw_points(mirrored, 3), 3)[2]
    assert np.array_equal(pixels_of(view, GREEN), pixels_of(last, GREEN))


def test_many_points_are_thinned_out(clip: Clip) -> None:
    assert len(gather_points(clip).xyz) == FRAMES * SIZE[0] * SIZE[1]
    few = gather_points(clip, most=1000)
    assert 300 < len(few.xyz) <= 1000
    assert few.frame.unique().tolist() == [0, 1, 2]


def test_what_cannot_be_drawn_is_said(clip: Clip) -> None:
    for lacking in (replace(clip, world_T_cam=None), replace(clip, depth=None)):
        with pytest.raises(ValueError, match="need depth and camera poses: estimate both by --geometry"):
            draw_points(lacking)
    with pytest.raises(ValueError, match="no pixel of these frames has depth"):
        draw_points(replace(clip, depth=torch.zeros(FRAMES, *SIZE)))


def test_one_frame_and_a_camera_that_looks_straight_down_are_drawn(clip: Clip) -> None:
    down = torch.tensor([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 3], [0, 0, 0, 1]])[None]
    (view,) = views(draw_points(replace(clip.frames([0]), world_T_cam=down)), 1)
    assert len(pixels_of(view, GREEN)) > 50
