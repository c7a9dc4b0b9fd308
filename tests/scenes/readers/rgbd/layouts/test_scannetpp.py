"""ScanNet++, phone and DSLR; files that the test writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from models.geometry import resize_intrinsics, swap_opengl
from scenes.readers.rgbd import read_rgbd_folder
from tests.support.clips.rgbd_clips import assert_same, motion, orbit_clip, write_colour, write_millimetres


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """The phone's pictures are smaller copies of its 1920 x 1440, for which the intrinsics are."""
    clip, phone = orbit_clip(), tmp_path / "iphone"
    records = {}
    for i in range(4):
        name = f"frame_{i:06d}"
        write_colour(phone / "rgb" / f"{name}.png", clip, i)
        write_millimetres(phone / "depth" / f"{name}.png", clip, i)
        aligned = clip.world_T_cam[i]
        intrinsic = resize_intrinsics(clip.intrinsics[i], (48, 64), (1440, 1920))
        records[name] = {
            "timestamp": 100 + i / 10,
            "pose": (aligned + 50).tolist(),  # ARKit's own world is not used
            "aligned_pose": aligned.tolist(),
            "intrinsic": intrinsic.tolist(),
            "imu": {},
        }
    (phone / "pose_intrinsic_imu.json").write_text(json.dumps(records))
    return tmp_path


@pytest.mark.parametrize("part", ["", "iphone"])
def test_the_phone_gives_the_clip_back_in_the_world_of_the_scan(scene: Path, part: str) -> None:
    read = read_rgbd_folder(scene / part)
    assert_same(read, orbit_clip())
    torch.testing.assert_close(read.world_T_cam, orbit_clip().world_T_cam)  # z-up already
    torch.testing.assert_close(read.seconds, torch.tensor([0, 0.1, 0.2, 0.3]))


def test_small_depth_covers_the_colour_picture(scene: Path) -> None:
    for i in range(4):
        path = scene / "iphone" / "depth" / f"frame_{i:06d}.png"
        Image.open(path).resize((16, 12), Image.Resampling.NEAREST).save(path)
    read = read_rgbd_folder(scene)
    assert read.depth.shape == (4, 48, 64)
    assert torch.equal(read.depth[:, ::4, ::4], read.depth[:, 3::4, 3::4])  # one sample for 4 x 4 pixels
    difference = (read.depth - orbit_clip().depth).abs().median()
    assert difference < 0.05


def test_frames_without_a_record_are_left_out(scene: Path) -> None:
    path = scene / "iphone" / "pose_intrinsic_imu.json"
    records = json.loads(path.read_text())
    del records["frame_000001"]
    path.write_text(json.dumps(records))
    assert_same(read_rgbd_folder(scene), orbit_clip().frames([0, 2, 3]))


def test_a_phone_whose_pictures_are_not_extracted_says_how(tmp_path: Path) -> None:
    (tmp_path / "iphone").mkdir()
    (tmp_path / "iphone" / "pose_intrinsic_imu.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"prepare_iphone_data"):
        read_rgbd_folder(tmp_path)


def test_the_dslr_gives_poses_in_metres_without_depth(tmp_path: Path) -> None:
    clip, dslr = orbit_clip(), tmp_path / "dslr"
    swap = torch.tensor([[0.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]])  # the toolkit turns the world
    frames = []
    for i in range(4):
        write_colour(dslr / "resized_undistorted_images" / f"DSC0{i}.png", clip, i)
        pose = swap @ swap_opengl(clip.world_T_cam[i])
        frames.append({"file_path": f"DSC0{i}.png", "transform_matrix": pose.tolist()})
    (fx, _, cx), (_, fy, cy), _ = clip.intrinsics[0].tolist()
    camera = {"fl_x": fx, "fl_y": fy, "cx": cx, "cy": cy, "w": 64, "h": 48, "camera_model": "PINHOLE", "k1": 0.0}
    (dslr / "nerfstudio").mkdir()
    (dslr / "nerfstudio" / "transforms_undistorted.json").write_text(json.dumps(camera | {"frames": frames}))
    for folder in (tmp_path, dslr):
        read = read_rgbd_folder(folder)
        assert_same(read, clip, depth=False)
        assert read.metric
        assert (-read.world_T_cam[:, 2, 1] > 0.5).all()  # up is up again
    assert motion(read).shape == (4, 4, 4)
