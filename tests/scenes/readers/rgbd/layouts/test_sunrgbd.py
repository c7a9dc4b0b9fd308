"""SUN RGB-D; files that the test writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scenes.readers.rgbd import read_rgbd_folder
from tests.support.clips.rgbd_clips import assert_same, orbit_clip, write_colour, write_matrix, write_units


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The first frame; its tilt is 20 degrees about the camera's x axis."""
    clip = orbit_clip()
    write_colour(tmp_path / "image" / "0001.png", clip, 0)
    millimetres = (clip.depth[0] * 1000).round().numpy().astype(np.uint16)
    write_units(tmp_path / "depth_bfx" / "0001.png", (millimetres << 3) | (millimetres >> 13))
    write_units(tmp_path / "depth" / "0001.png", np.zeros((48, 64)))  # with holes everywhere
    write_matrix(tmp_path / "intrinsics.txt", clip.intrinsics[0])
    write_matrix(tmp_path / "extrinsics" / "20150101.txt", torch.cat([tilt(), torch.zeros(3, 1)], 1))
    return tmp_path


def tilt() -> torch.Tensor:
    angle = torch.tensor(20.0).deg2rad()
    return torch.tensor([[1, 0, 0], [0, angle.cos(), angle.sin()], [0, -angle.sin(), angle.cos()]])


def test_bits_are_rotated_back_and_the_tilt_levels_the_camera(folder: Path) -> None:
    read = read_rgbd_folder(folder)
    assert_same(read, orbit_clip().frames([0]))
    levelled = tilt()
    expected = torch.stack([levelled[0], levelled[2], -levelled[1]])  # (x, y, z) -> (x, z, -y)
    torch.testing.assert_close(read.world_T_cam[0, :3, :3], expected)
    assert read.seconds.tolist() == [0]


def test_depth_beyond_13_bits_keeps_its_upper_bits(folder: Path) -> None:
    far = np.full((48, 64), 9000, np.uint16)  # 9 m: three bits go around
    Image.fromarray((far << 3) | (far >> 13)).save(folder / "depth_bfx" / "0001.png")
    assert read_rgbd_folder(folder).depth.unique().tolist() == [9]


def test_a_frame_without_a_tilt_has_no_pose(folder: Path) -> None:
    (folder / "extrinsics" / "20150101.txt").unlink()
    assert read_rgbd_folder(folder).world_T_cam is None
