"""True signals: what a world knows, in the form that teachers give."""

from dataclasses import replace

import pytest
import torch

from distill.signals import CHANNELS, mirrored, true_signals
from models.geometry import invert, resize_intrinsics
from models.geometry.rays import cameras_from_rays
from scenes.clip import Clip


def test_signals_are_the_truth_and_rays_give_the_cameras_back(clips: list[Clip]) -> None:
    clip = clips[0]
    assert clip.depth is not None
    assert clip.intrinsics is not None
    assert clip.world_T_cam is not None
    assert clip.truth is not None
    signals = true_signals(clip, (8, 8))
    assert {name: value.shape[1] for name, value in signals.values.items()} == CHANNELS
    torch.testing.assert_close(signals.values["depth"][:, 0].exp(), clip.depth)
    assert torch.equal(signals.values["motion"][:, 0] > 0, clip.truth.moving)
    assert not signals.valid["flow"][0].any()  # before the first frame there is none
    poses = cameras_from_rays(signals.values["rays"], resize_intrinsics(clip.intrinsics, clip.size, (8, 8)))
    torch.testing.assert_close(poses, invert(clip.world_T_cam[:1]) @ clip.world_T_cam, atol=1e-3, rtol=0)


def test_a_clip_without_flow_is_refused(clips: list[Clip]) -> None:
    clip = clips[0]
    assert clip.truth is not None
    with pytest.raises(ValueError, match="lacks the truth"):
        true_signals(replace(clip, truth=replace(clip.truth, backward_flow=None)), (8, 8))


def test_a_mirror_shows_what_a_mirrored_camera_sees_in_a_mirrored_world(clips: list[Clip]) -> None:
    clip = next(clip for clip in clips if clip.truth is not None and clip.truth.moving.any())
    assert clip.depth is not None
    assert clip.intrinsics is not None
    assert clip.world_T_cam is not None
    assert clip.truth is not None
    assert clip.truth.backward_flow is not None
    assert clip.truth.backward_valid is not None
    other = torch.diag(torch.tensor([-1.0, 1.0, 1.0, 1.0]))  # x points the other way, in the world and in the camera
    intrinsics = clip.intrinsics.clone()
    intrinsics[..., 0, 2] = clip.size[1] - intrinsics[..., 0, 2]
    seen = replace(
        clip,
        depth=clip.depth.flip(-1),
        intrinsics=intrinsics,
        world_T_cam=other @ clip.world_T_cam @ other,
        truth=replace(
            clip.truth,
            moving=clip.truth.moving.flip(-1),
            backward_flow=clip.truth.backward_flow.flip(-1) * torch.tensor([-1.0, 1.0])[:, None, None],
            backward_valid=clip.truth.backward_valid.flip(-1),
        ),
    )
    expected, found = true_signals(seen, (8, 8)), mirrored(true_signals(clip, (8, 8)))
    assert not torch.equal(expected.values["rays"], true_signals(clip, (8, 8)).values["rays"])
    torch.testing.assert_close(found.values, expected.values)
    torch.testing.assert_close(found.valid, expected.valid)
