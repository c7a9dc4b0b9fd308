"""Poses of RGB-D frames: from a procedural world and from real footage, without their trajectories."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.geometry.trajectory import pose_errors
from models.geometry import invert, unproject
from models.providers import GeometryEstimate
from models.providers.odometry import RgbdOdometry
from scenes.clip import Clip
from scenes.readers.rgbd import read_rgbd_folder
from scenes.worlds import WorldConfig, make_world, render

pytest.importorskip("open3d", reason="odometry needs Open3D")


@pytest.fixture(scope="module")
def world() -> Clip:
    """A room at rest, in which the camera moves by .28 m."""
    (clip,) = render([make_world(4, WorldConfig(height=96, width=160, frames=4))], "cpu", signals=())
    return clip


def test_poses_of_a_room_are_found_from_colour_and_depth(world: Clip) -> None:
    estimate = RgbdOdometry()(world.video, world.intrinsics, world.depth)
    assert estimate.metric
    rotation, translation = pose_errors(estimate.world_T_cam, world.world_T_cam)
    moved = invert(world.world_T_cam[0]) @ world.world_T_cam[-1]
    assert moved[:3, 3].norm() > 0.25
    assert rotation < 0.5
    assert translation < 0.02


@pytest.mark.long
def test_poses_of_a_real_room_agree_with_its_trajectory(shared_data: Path) -> None:
    clip = read_rgbd_folder(shared_data / "redwood_rgbd")
    estimate = RgbdOdometry()(clip.video, clip.intrinsics, clip.depth)
    rotation, translation = pose_errors(estimate.world_T_cam, clip.world_T_cam)
    assert rotation < 0.2
    assert translation < 0.006


@pytest.mark.long
def test_frames_of_different_rooms_are_refused(world: Clip) -> None:
    (other,) = render([make_world(7, WorldConfig(height=96, width=160, frames=2))], "cpu", signals=())
    video, depth, cameras = (
        torch.cat([one, two])
        for one, two in (
            (world.video[:2], other.video),
            (world.depth[:2], other.depth),
            (world.intrinsics[:2], other.intrinsics),
        )
    )
    with pytest.raises(ValueError, match=r"cannot register frames \[2, 3\] of 4"):
        RgbdOdometry()(video, cameras, depth)


def test_depth_is_needed(world: Clip) -> None:
    with pytest.raises(ValueError, match="odometry needs depth and the camera"):
        RgbdOdometry()(world.video)


def test_a_depth_model_stands_in_for_a_sensor_if_it_is_metric(world: Clip) -> None:
    class Model:
        """Estimates a tenth too much depth."""

        joins_frames = False

        def __init__(self, metric: bool) -> None:
            self.metric = metric

        def __call__(
            self, video: torch.Tensor, intrinsics: torch.Tensor | None = None, depth: torch.Tensor | None = None
        ) -> GeometryEstimate:
            return GeometryEstimate(unproject(1.1 * world.depth, world.intrinsics), world.intrinsics, self.metric)

    poses = RgbdOdometry(Model(metric=True))(world.video).world_T_cam
    poses[:, :3, 3] /= 1.1
    assert pose_errors(poses, world.world_T_cam)[1] < 0.02
    with pytest.raises(ValueError, match="gives each frame a scale of its own"):
        RgbdOdometry(Model(metric=False))(world.video)
