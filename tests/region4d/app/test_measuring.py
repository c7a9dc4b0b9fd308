"""Distances between two points of footage."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.geometry import default_intrinsics
from region4d.app.marks import BoxMark, CanvasMark, PointMark, to_canvas
from region4d.app.measuring import matching_question, measure
from region4d.app.opening import Opened, open_world
from scenes.clip import Clip
from scenes.questions.facts import Facts
from tests.support.floor import floor_pixels, on_floor


@pytest.fixture(scope="module")
def world() -> Opened:
    return open_world(6, 3, False)


@pytest.mark.parametrize("frames", [(0, 0), (2, 0)])
def test_a_distance_on_the_floor_is_that_of_two_rays_that_meet_it(world: Opened, frames: tuple[int, int]) -> None:
    (a, _), (_, b) = (floor_pixels(world.clip, frame) for frame in frames)
    exact = float((on_floor(world.clip, frames[0], *a) - on_floor(world.clip, frames[1], *b)).norm())
    measured = measure(world, [PointMark(0, frames[0], *a), PointMark(1, frames[1], *b)])
    assert exact > 0.5
    assert measured.length == pytest.approx(exact, rel=1e-4)
    assert measured.text == f"{exact:#.3g} m"


def test_depth_of_unknown_scale_gives_no_metres(world: Opened) -> None:
    a, b = floor_pixels(world.clip, 0)
    measured = measure(
        replace(world, clip=replace(world.clip, metric=False)), [PointMark(0, 0, *a), PointMark(1, 0, *b)]
    )
    assert measured.text.endswith("relative units")


def plane(**changed: object) -> Opened:
    """A wall at 2 m in three frames, with a pixel that has no depth."""
    depth = torch.full((3, 20, 30), 2.0)
    depth[:, 5, 5] = 0
    intrinsics = default_intrinsics(20, 30, 60).expand(3, 3, 3)
    clip = Clip(torch.zeros(3, 3, 20, 30, dtype=torch.uint8), torch.arange(3.0), depth, intrinsics)
    return Opened(replace(clip, **changed), "clip", "video", "test", "assumed")


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ([PointMark(0, 0, 9, 9)], "needs two points, of regions 0 and 1; got 1 marks"),
        ([PointMark(0, 0, 9, 9), PointMark(0, 0, 12, 9)], "needs two points"),
        ([PointMark(0, 0, 9, 9), BoxMark(1, 0, 1, 1, 5, 5)], "needs two points"),
        (
            [PointMark(0, 0, 9, 9), PointMark(1, 0, 30, 9)],
            r"point 1 \(30, 9 on frame 0\) lies outside the frame",
        ),
        ([PointMark(0, 0, 5.5, 5.5), PointMark(1, 0, 9, 9)], r"no depth at point 0 \(5.5, 5.5 on frame 0\)"),
        ([PointMark(0, 0, 9, 9), PointMark(1, 2, 9, 9)], "on frames 0 and 2, but no camera poses join"),
    ],
)
def test_what_cannot_be_measured_is_one_line(marks: list[CanvasMark], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        measure(plane(), marks)
    assert "\n" not in str(error.value)


def test_footage_without_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="has no depth, so nothing can be measured"):
        measure(plane(depth=None), [PointMark(0, 0, 9, 9), PointMark(1, 0, 12, 9)])


def test_two_frames_are_measured_where_poses_join_them() -> None:
    poses = torch.eye(4).repeat(3, 1, 1)
    poses[2, 0, 3] = 1.5  # the camera moves 1.5 m sideways
    measured = measure(plane(world_T_cam=poses), [PointMark(0, 0, 9.5, 9.5), PointMark(1, 2, 9.5, 9.5)])
    assert measured.length == pytest.approx(1.5)


def test_objects_under_the_points_are_the_regions_and_their_distance_is_the_truth(world: Opened) -> None:
    truth = world.clip.truth
    assert truth is not None
    facts = Facts.of(world.clip)
    one, other = facts.visible_at_start.nonzero()[0][:2].tolist()
    marks = []
    for region, place in enumerate((one, other)):
        rows, cols = torch.nonzero(truth.instances[0] == place + 1, as_tuple=True)
        middle = len(rows) // 2
        marks.append(PointMark(region, 0, float(cols[middle]) + 0.5, float(rows[middle]) + 0.5))
    asked = matching_question(world, marks)
    assert asked.regions == "the two objects under the points"
    assert torch.equal(asked.footage.regions[0].masks[0], truth.instances[0] == one + 1)
    distance = float(((facts.centre[0, one] - facts.centre[0, other]) ** 2).sum() ** 0.5)
    assert asked.truth is not None
    assert float(asked.truth.removesuffix(" m")) == pytest.approx(distance, rel=0.05)  # two digits


def test_discs_are_the_regions_elsewhere(world: Opened) -> None:
    a, b = floor_pixels(world.clip, 1)
    asked = matching_question(world, [PointMark(0, 1, *a), PointMark(1, 1, *b)])
    assert (asked.regions, asked.truth, len(asked.footage.clip)) == ("discs around the two points", None, 1)
    assert bool(asked.footage.regions[0].masks[0][int(a[1]), int(a[0])])


def test_the_page_says_that_a_scale_is_unknown_and_has_no_metres(world: Opened) -> None:
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    from region4d.app.pages.measure import MeasurePage

    unscaled = replace(world, clip=replace(world.clip, metric=False), depth="model test")
    a, b = floor_pixels(world.clip, 1)
    points = to_canvas([PointMark(0, 1, *a), PointMark(1, 1, *b)])
    (card, _), *_, (_, scene) = MeasurePage([]).measure(unscaled, points)
    assert "relative units" in card
    assert "the scale of this depth is unknown" in card
    assert " m<" not in card
    assert "<iframe" in scene


def test_the_page_says_that_footage_without_depth_cannot_be_measured() -> None:
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    from region4d.app.pages.measure import MeasurePage

    assert "has no depth" in MeasurePage([]).show(plane(depth=None))[1]
