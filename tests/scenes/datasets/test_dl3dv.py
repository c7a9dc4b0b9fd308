"""DL3DV folders in the published layout: cameras, only wanted frames, damage."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.geometry import invert, project, transform_points
from scenes.datasets.dl3dv import CAMERAS, Dl3dvScene, list_dl3dv
from scenes.datasets.lost_cameras import LostCamera
from tests.support.folders.dl3dv_folder import SIZE, opengl_pose, write_scene


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_scene(tmp_path, "1K", "0a1b", 12)
    write_scene(tmp_path, "2K", "ff00", 2)
    return tmp_path


@pytest.fixture
def scene(root: Path) -> Dl3dvScene:
    return list_dl3dv(root)[0]


def test_scenes_are_listed_by_subset_and_hash(root: Path) -> None:
    assert [one.name for one in list_dl3dv(root)] == ["1K-0a1b", "2K-ff00"]
    assert [one.name for one in list_dl3dv(root, ["2K"])] == ["2K-ff00"]
    assert [len(one) for one in list_dl3dv(root)] == [12, 2]


def test_frames_come_in_the_order_of_their_numbers(scene: Dl3dvScene) -> None:
    clip = scene.read()
    assert clip.video[:, 0, 0, 0].tolist() == list(range(12))
    assert clip.size == SIZE
    assert clip.name == "1K-0a1b"
    torch.testing.assert_close(scene.read(indices=[2, 10], fps=4).seconds, torch.tensor([0.5, 2.5]))


def test_only_wanted_frames_are_decoded(scene: Dl3dvScene) -> None:
    for path in scene.pictures[3:]:
        path.write_bytes(b"broken")
    assert scene.read(indices=[0, 2]).video[:, 0, 0, 0].tolist() == [0, 2]
    with pytest.raises(ValueError, match="cannot be read as a picture"):
        scene.read()


def test_opengl_cameras_become_opencv_ones_in_a_z_up_world(scene: Dl3dvScene) -> None:
    clip = scene.read()
    up = -clip.world_T_cam[:, :3, 1].mean(0)
    torch.testing.assert_close(up / up.norm(), torch.tensor([0.0, 0, 1]), atol=1e-5, rtol=0)
    # the same motion as in the file, where camera 0 looks along -z with y up and camera 3 stands 3 to the right
    cam0_T_cam3 = invert(clip.world_T_cam[0]) @ clip.world_T_cam[3]
    torch.testing.assert_close(cam0_T_cam3[:3, 3], torch.tensor([3.0, 0, 0]), atol=1e-5, rtol=0)
    ahead_of_3 = cam0_T_cam3[:3, 2]
    turned_left = torch.tensor([-math.sin(0.3), 0, math.cos(0.3)])
    torch.testing.assert_close(ahead_of_3, turned_left, atol=1e-5, rtol=0)


def test_a_point_projects_as_in_the_full_resolution_divided_by_four(scene: Dl3dvScene) -> None:
    clip = scene.read(up="z")
    point = torch.tensor([5.0, 2.5, -6.0])
    pose = torch.tensor(opengl_pose(4))
    x, y, z = transform_points(point, invert(pose)).tolist()  # right, up, backward
    full = torch.tensor([160 * x / -z + 2 * SIZE[1] + 2, 164 * -y / -z + 2 * SIZE[0] - 2])
    found = project(transform_points(point, invert(clip.world_T_cam[4])), clip.intrinsics[4])
    torch.testing.assert_close(found, full / 4)


def damage(folder: Path, what: str) -> None:
    path = folder / "transforms.json"
    cameras = json.loads(path.read_text())
    match what:
        case "is truncated or not JSON":
            path.write_text(path.read_text()[:-20])
            return
        case "has no frames":
            cameras["frames"] = []
        case "frame 0 has another format":
            del cameras["frames"][0]["file_path"]
        case "is not 4x4":
            cameras["frames"][0]["transform_matrix"] = [[1.0, 0.0]]
        case "needs the numbers fl_x":
            del cameras["fl_x"]
        case "another aspect ratio":
            for picture in (folder / "images_4").iterdir():
                Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(picture)
        case "frame_00001.png is missing":
            (folder / "images_4" / "frame_00001.png").unlink()
        case "pose is not rigid":
            cameras["frames"][0]["transform_matrix"][0][0] = 7.0
    path.write_text(json.dumps(cameras))


@pytest.mark.parametrize(
    "what",
    [
        "is truncated or not JSON",
        "has no frames",
        "frame 0 has another format",
        "is not 4x4",
        "needs the numbers fl_x",
        "another aspect ratio",
        "frame_00001.png is missing",
        "pose is not rigid",
    ],
)
def test_a_damaged_scene_gives_one_clear_line(root: Path, what: str) -> None:
    damage(root / "1K" / "0a1b", what)
    with pytest.raises((ValueError, FileNotFoundError), match=what) as caught:
        list_dl3dv(root)[0].read()
    assert "\n" not in str(caught.value)


def test_a_scene_with_a_lost_camera_is_refused(root: Path) -> None:
    path = root / "1K" / "0a1b" / CAMERAS
    cameras = json.loads(path.read_text())
    cameras["frames"][0]["transform_matrix"][1][3] = -3e5
    path.write_text(json.dumps(cameras))
    with pytest.raises(LostCamera, match="300000 units from the origin"):
        list_dl3dv(root)[0].read(indices=[0, 1])


def test_what_is_not_there_is_said(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no subset '7K' of DL3DV, only 1K, 2K"):
        list_dl3dv(root, ["7K"])
    with pytest.raises(FileNotFoundError, match="no such DL3DV folder"):
        list_dl3dv(root / "nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no scenes of DL3DV"):
        list_dl3dv(tmp_path / "other")
    with pytest.raises(FileNotFoundError, match=r"transforms\.json is missing"):
        Dl3dvScene(root / "1K" / "nothing").read()
