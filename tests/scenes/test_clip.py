"""Clips: choosing frames takes everything along that belongs to them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.geometry import transform, unproject
from scenes.clip import Clip, ObjectTruth, Truth, sample_frames, uniform_frames

TIME, SIZE = 5, (2, 3)


def clip() -> Clip:
    """Frames that hold their own number everywhere."""
    number = torch.arange(TIME)
    truth = Truth(
        objects=(ObjectTruth("chair", "red", (1.0, 1.0, 1.0)),),
        world_T_obj=number[:, None, None, None].expand(TIME, 1, 4, 4).float(),
        instances=number[:, None, None].expand(TIME, *SIZE).to(torch.uint8),
        speed=number[:, None].float(),
        moving=(number > 2)[:, None, None].expand(TIME, *SIZE),
        backward_flow=torch.zeros(TIME, 2, *SIZE),
        forward_valid=torch.zeros(TIME, *SIZE, dtype=torch.bool),
    )
    return Clip(
        video=number[:, None, None, None].expand(TIME, 3, *SIZE).to(torch.uint8),
        seconds=number / 4,
        depth=1 + number[:, None, None].expand(TIME, *SIZE).float(),
        intrinsics=torch.eye(3).expand(TIME, 3, 3),
        world_T_cam=torch.eye(4).expand(TIME, 4, 4) + number[:, None, None] * torch.diag(torch.ones(3), 1),
        truth=truth,
        name="counted",
    )


def test_all_that_belongs_to_a_frame_is_chosen_with_it() -> None:
    some = clip().frames([3, 0, 3])
    assert some.truth is not None
    assert some.depth is not None
    assert some.truth.speed is not None
    assert some.truth.moving is not None
    assert some.video[:, 0, 0, 0].tolist() == [3, 0, 3]
    assert some.seconds.tolist() == [0.75, 0, 0.75]
    assert some.depth[:, 0, 0].tolist() == [4, 1, 4]
    assert some.truth.instances[:, 0, 0].tolist() == [3, 0, 3]
    assert some.truth.world_T_obj[:, 0, 0, 0].tolist() == [3, 0, 3]
    assert some.truth.speed[:, 0].tolist() == [3, 0, 3]
    assert some.truth.moving[:, 0, 0].tolist() == [True, False, True]
    assert (some.name, len(some), some.size) == ("counted", 3, SIZE)


def test_flow_refers_to_neighbours_and_is_dropped() -> None:
    truth = clip().frames(range(TIME)).truth
    assert truth is not None
    assert truth.backward_flow is None
    assert truth.forward_valid is None


def test_what_is_unknown_stays_unknown() -> None:
    bare = Clip(clip().video, clip().seconds).frames([1])
    assert (bare.depth, bare.intrinsics, bare.world_T_cam, bare.truth) == (None, None, None, None)


def test_points_are_in_the_world_where_poses_are_known() -> None:
    whole = clip()
    assert whole.depth is not None
    assert whole.intrinsics is not None
    assert whole.world_T_cam is not None
    in_camera = replace(whole, world_T_cam=None).points()
    in_world = whole.points()
    assert in_camera is not None
    assert in_world is not None
    assert in_camera.frame == "cam"
    assert torch.equal(in_camera.xyz, unproject(whole.depth, whole.intrinsics).xyz)
    assert in_world.frame == "world"
    assert torch.equal(in_world.xyz, transform(in_camera, whole.world_T_cam, "world").xyz)
    assert replace(whole, depth=None).points() is None
    assert replace(whole, intrinsics=None).points() is None


@pytest.mark.parametrize(
    ("length", "count", "index"),
    [(5, 5, [0, 1, 2, 3, 4]), (5, 3, [0, 2, 4]), (5, 1, [0]), (5, 9, [0, 1, 2, 3, 4]), (100, 4, [0, 33, 66, 99])],
)
def test_uniform_frames_run_from_the_first_to_the_last(length: int, count: int, index: list[int]) -> None:
    assert uniform_frames(length, count) == index


def test_sampled_frames_keep_their_times() -> None:
    assert sample_frames(clip(), 2).seconds.tolist() == [0, 1]
