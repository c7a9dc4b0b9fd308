"""7-Scenes; files that the test writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scenes.readers.rgbd import read_rgbd_folder
from tests.support.clips.rgbd_clips import motion, orbit_clip, write_matrix, write_units


def test_frames_have_the_published_camera_and_65535_is_unknown(tmp_path: Path) -> None:
    clip = orbit_clip()
    for i in range(3):
        name = f"frame-{i:06d}"
        Image.fromarray(np.full((480, 640, 3), 60 * i, np.uint8)).save(tmp_path / f"{name}.color.png")
        depth = np.full((480, 640), 1500)
        depth[:, :100] = 65535
        write_units(tmp_path / f"{name}.depth.png", depth)
        write_matrix(tmp_path / f"{name}.pose.txt", clip.world_T_cam[0])
    (tmp_path / "frame-000001.pose.txt").unlink()
    read = read_rgbd_folder(tmp_path)
    assert read.intrinsics[0].tolist() == [[585, 0, 320], [0, 585, 240], [0, 0, 1]]
    assert read.depth[0, 0, [0, 99, 100]].tolist() == [0, 0, 1.5]
    assert read.video[:, 0, 0, 0].tolist() == [0, 120]
    torch.testing.assert_close(read.seconds, torch.tensor([0, 2 / 30]))
    torch.testing.assert_close(motion(read), torch.eye(4).repeat(2, 1, 1), atol=1e-5, rtol=0)
