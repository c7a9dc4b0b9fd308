from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from scenes.clip import Clip
from scenes.clip_checks import check_clip


@pytest.fixture
def clip() -> Clip:
    return Clip(
        video=torch.zeros(3, 3, 4, 6, dtype=torch.uint8),
        seconds=torch.tensor([0, 0.1, 0.5]),
        depth=torch.ones(3, 4, 6),
        intrinsics=torch.tensor([[5.0, 0, 3], [0, 5, 2], [0, 0, 1]]).repeat(3, 1, 1),
        world_T_cam=torch.eye(4).repeat(3, 1, 1),
        name="room",
    )


def test_a_sound_clip_passes_unchanged(clip: Clip) -> None:
    clip.depth[0, 0, 0] = 0  # type: ignore[index]  # unknown depth is sound
    assert check_clip(clip) is clip
    plain = Clip(clip.video, clip.seconds)
    assert check_clip(plain) is plain


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
@pytest.mark.parametrize("frame", [0, 2])
def test_wrong_depth_is_refused_with_its_frame(clip: Clip, value: float, frame: int) -> None:
    clip.depth[frame, 1, 1] = value  # type: ignore[index]
    with pytest.raises(ValueError, match=rf"clip room: depth is NaN.*\(frame {frame}\)"):
        check_clip(clip)


def test_times_that_stand_still_or_are_nan_are_refused(clip: Clip) -> None:
    for seconds in ([0, 0.5, 0.5], [0, math.nan, 1]):
        with pytest.raises(ValueError, match=r"time.*frame 1"):
            check_clip(replace(clip, seconds=torch.tensor(seconds)))


def test_poses_that_mirror_scale_or_are_nan_are_refused(clip: Clip) -> None:
    for value in (-1.0, 2.0, math.nan):
        poses = torch.eye(4).repeat(3, 1, 1)
        poses[1, 0, 0] = value
        with pytest.raises(ValueError, match=r"pose is not (rigid|finite) \(frame 1\)"):
            check_clip(replace(clip, world_T_cam=poses))


def test_shapes_that_disagree_are_named(clip: Clip) -> None:
    object.__setattr__(clip, "depth", torch.ones(3, 4, 5))  # as a user may build it, without the type checks of tests
    with pytest.raises(ValueError, match=r"depth has shape \(3, 4, 5\), expected \(3, 4, 6\)"):
        check_clip(clip)


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="no frames"):
        check_clip(Clip(torch.zeros(0, 3, 4, 6, dtype=torch.uint8), torch.zeros(0)))


def test_confidence_has_the_size_of_the_frames_and_no_holes(clip: Clip) -> None:
    confidence = torch.rand(3, 4, 6, generator=torch.Generator().manual_seed(0))
    check_clip(replace(clip, confidence=confidence))
    confidence[2, 0, 0] = math.nan
    with pytest.raises(ValueError, match=r"confidence is NaN, infinite or negative \(frame 2\)"):
        check_clip(replace(clip, confidence=confidence))
    object.__setattr__(clip, "confidence", torch.ones(3, 4, 5))
    with pytest.raises(ValueError, match="confidence has shape"):
        check_clip(clip)


def test_a_focal_length_of_a_share_of_the_picture_is_refused(clip: Clip) -> None:
    wide = torch.tensor([[0.2, 0, 3], [0, 0.2, 2], [0, 0, 1]]).repeat(3, 1, 1)
    with pytest.raises(ValueError, match="over 170 degrees of view"):
        check_clip(replace(clip, intrinsics=wide))
