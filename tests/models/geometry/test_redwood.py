"""Conventions on real footage: the sensor of one frame agrees with that of another."""

from pathlib import Path

import torch

from models.geometry import invert, project, transform_points, unproject
from scenes.readers.rgbd import read_rgbd_folder


def test_depth_of_one_frame_carried_into_another_agrees_with_the_sensor(shared_data: Path) -> None:
    clip = read_rgbd_folder(shared_data / "redwood_rgbd")
    assert clip.depth is not None
    assert clip.intrinsics is not None
    assert clip.world_T_cam is not None
    first, last = 0, len(clip) - 1
    points = unproject(clip.depth[first], clip.intrinsics[first])
    last_T_first = invert(clip.world_T_cam[last]) @ clip.world_T_cam[first]
    carried = transform_points(points.xyz[points.valid], last_T_first)
    u, v = project(carried, clip.intrinsics[last]).floor().unbind(-1)
    height, width = clip.size
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)  # NaN compares as False
    sensor = clip.depth[last][v[inside].long(), u[inside].long()]
    seen = sensor > 0
    error = (carried[inside][seen][:, 2] - sensor[seen]).abs()
    assert seen.sum() > 100_000
    assert error.median() <= 0.006  # metres; 5.3 mm with right conventions, 136 mm with inverted poses
    assert torch.quantile(error, 0.9) <= 0.02
