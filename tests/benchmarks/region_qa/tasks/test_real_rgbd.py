from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.region_qa.tasks.real_rgbd import RealRgbdTask
from scenes.clip import Clip
from scenes.readers.rgbd import write_rgbd_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three vertical panels, 1, 2 and 3 m away."""
    depth = torch.ones(1, 120, 160)
    depth[:, :, 50:100], depth[:, :, 100:] = 2, 3
    camera = torch.tensor([[100.0, 0, 80], [0, 100, 60], [0, 0, 1]])
    video = torch.randint(0, 256, (1, 3, 120, 160), generator=torch.Generator().manual_seed(7), dtype=torch.uint8)
    path = tmp_path_factory.mktemp("rgbd") / "panels"
    write_rgbd_folder(Clip(video, torch.zeros(1), depth, camera[None], torch.eye(4)[None]), path)
    return path


def task(folder: Path, **options: Any) -> RealRgbdTask:
    return RealRgbdTask(name="panels", folder=str(folder), count=8, categories=("nearer_camera", "distance"), **options)


def test_items_of_the_task_are_sorted_and_follow_from_the_seed(folder: Path) -> None:
    first, again = task(folder).items(), task(folder).items()
    assert len(first) == 2 * 8  # `count` of each category
    assert [item.question.text for item in first] == [item.question.text for item in again]
    assert [item.cluster for item in first] == sorted(item.cluster for item in first)
    assert {item.question.category for item in first} <= {"nearer_camera", "distance"}


@pytest.mark.long
def test_other_poses_keep_the_first_camera_and_the_answers(shared_data: Path) -> None:
    room = RealRgbdTask(
        name="room", folder=str(shared_data / "redwood_rgbd"), count=2, categories=("distance",), multi_view=True
    )
    sensor = room.items()
    for poses in ("odometry", "still"):
        room.poses = poses
        for item, known in zip(room.items(), sensor, strict=True):
            assert item.question == known.question
            estimated, true = item.open().clip.world_T_cam, known.open().clip.world_T_cam
            assert estimated is not None
            assert true is not None
            torch.testing.assert_close(estimated[0], true[0], atol=1e-5, rtol=0)
            gap = (estimated[:, :3, 3] - true[:, :3, 3]).norm(dim=-1).max()
            assert gap < 0.01 if poses == "odometry" else gap > 0.01  # metres


def test_noise_changes_the_colours_alone(folder: Path) -> None:
    for plain, noisy in zip(task(folder).items(), task(folder, noise=True).items(), strict=True):
        clip, changed = plain.open().clip, noisy.open().clip
        assert not torch.equal(clip.video, changed.video)
        assert clip.depth is not None
        assert changed.depth is not None
        assert torch.equal(clip.depth, changed.depth)
        assert plain.question == noisy.question
