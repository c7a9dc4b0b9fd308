"""A provider of depth gives a clip its geometry."""

from __future__ import annotations

from dataclasses import replace

import torch
from models.depth.provider import DepthEstimate
from scenes.readers.estimated_depth import add_depth
from torch import Tensor

from models.geometry import unproject
from scenes.clip import Clip

CLIP = Clip(torch.zeros(2, 3, 3, 4, dtype=torch.uint8), torch.arange(2.0), name="a")
INTRINSICS = torch.tensor([[5.0, 0, 2], [0, 5, 1.5], [0, 0, 1]]).expand(2, 3, 3)


def flat(video: Tensor, intrinsics: Tensor | None) -> DepthEstimate:
    """Estimate 2 m everywhere but at one pixel, for a camera of its own where none is known."""
    depth = torch.full((len(video), *video.shape[-2:]), 2.0)
    depth[0, 0, 0] = 0
    camera = INTRINSICS if intrinsics is None else intrinsics
    return DepthEstimate(unproject(depth, camera), camera)


def test_a_clip_gets_depth_and_camera_and_keeps_the_rest() -> None:
    found = add_depth(CLIP, flat)
    assert found.depth is not None
    assert found.depth.unique().tolist() == [0, 2]
    assert found.depth[0, 0, 0] == 0
    assert found.intrinsics is INTRINSICS
    assert (found.video, found.seconds, found.name) == (CLIP.video, CLIP.seconds, "a")


def test_a_camera_that_is_known_is_handed_to_the_provider() -> None:
    known = INTRINSICS * torch.tensor([[2.0], [2], [1]])
    assert add_depth(replace(CLIP, intrinsics=known), flat).intrinsics is known
