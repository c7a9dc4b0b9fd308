from pathlib import Path

import pytest
import torch

from models.geometry import unproject
from tests.support.probes import toy_clips


def test_labels_of_a_world_agree_with_each_other(tmp_path: Path) -> None:
    clips = toy_clips(tmp_path)
    clips.prepare()
    labels = clips.labels("world-6", [0, 2])
    assert labels.points.shape == (2, 8, 8, 3)
    assert torch.allclose(labels.cam_T_world[0], torch.eye(4))
    in_second = labels.points[1] @ labels.cam_T_world[1, :3, :3].T + labels.cam_T_world[1, :3, 3]
    assert torch.allclose(in_second[..., 2], labels.depth[1], atol=1e-4)


def test_labels_of_full_size_are_the_unprojected_depth(tmp_path: Path) -> None:
    clips = toy_clips(tmp_path, size=(16, 16))
    clips.prepare()
    labels = clips.labels("world-0", [0, 2])
    again = unproject(labels.depth[0], labels.intrinsics[0]).xyz
    assert torch.allclose(again, labels.points[0], atol=1e-4)


def test_splits_that_share_a_world_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must not share worlds"):
        toy_clips(tmp_path, seeds={"train": (0, 6), "val": (5, 8), "test": (8, 10)})


def test_a_view_beyond_the_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frames 0 to 3"):
        toy_clips(tmp_path, frames=[0, 4])
