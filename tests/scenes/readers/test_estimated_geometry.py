from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.geometry import default_intrinsics, unproject
from models.providers import GeometryEstimate
from scenes.clip import Clip
from scenes.readers.estimated_geometry import add_geometry

SIZE = (6, 8)
CLIP = Clip(torch.zeros(2, 3, *SIZE, dtype=torch.uint8), torch.arange(2.0))
POSES = torch.eye(4).repeat(2, 1, 1)
POSES[1, 0, 3] = 0.5


class Wall:
    """Estimates a wall at depth 3 before each camera."""

    joins_frames = True

    def __init__(self, metric: bool, poses: torch.Tensor | None = None) -> None:
        self.metric, self.poses = metric, poses

    def __call__(
        self, video: torch.Tensor, intrinsics: torch.Tensor | None = None, depth: torch.Tensor | None = None
    ) -> GeometryEstimate:
        camera = default_intrinsics(*SIZE).expand(len(video), 3, 3)
        points = unproject(torch.full((len(video), *SIZE), 3.0), camera)
        return GeometryEstimate(points, camera, self.metric, self.poses, points.valid.float())


def test_depth_of_unknown_scale_is_marked() -> None:
    clip = add_geometry(CLIP, Wall(metric=False))
    assert not clip.metric
    assert not clip.frames([1]).metric
    assert clip.frames([1]).confidence.shape == (1, *SIZE)


def test_estimated_poses_get_a_world_with_z_up() -> None:
    clip = add_geometry(CLIP, Wall(metric=True, poses=POSES))
    assert torch.equal(clip.world_T_cam[0, :3, :3] @ torch.tensor([0.0, -1, 0]), torch.tensor([0.0, 0, 1]))
    assert (clip.world_T_cam[1] - clip.world_T_cam[0])[:3, 3].tolist() == [0.5, 0, 0]


def test_relative_depth_does_not_join_metric_poses() -> None:
    with pytest.raises(ValueError, match="poses in metres, but the depth model gives depth of unknown scale"):
        add_geometry(replace(CLIP, world_T_cam=POSES), Wall(metric=False))
