"""nerfstudio's transforms.json; files that the test writes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from models.geometry import resize_intrinsics, swap_opengl
from scenes.readers.rgbd import is_rgbd_folder, read_rgbd_folder
from tests.support.clips.rgbd_clips import assert_same, orbit_clip, write_colour, write_millimetres


def camera_of(intrinsics: torch.Tensor, height: int = 48, width: int = 64) -> dict[str, Any]:
    (fx, _, cx), (_, fy, cy), _ = intrinsics.tolist()
    return {"fl_x": fx, "fl_y": fy, "cx": cx, "cy": cy, "w": width, "h": height}


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    """Pictures and depth in the folder, and what transforms.json holds; frames in any order, as dictionaries."""
    clip = orbit_clip()
    frames = []
    for i in (2, 0, 3, 1):
        write_colour(tmp_path / "images" / f"frame_{i}.png", clip, i)
        write_millimetres(tmp_path / "depth" / f"{i}.png", clip, i)
        pose = swap_opengl(clip.world_T_cam[i]).tolist()
        frames.append({"file_path": f"images/frame_{i}.png", "transform_matrix": pose})
        frames[-1]["depth_file_path"] = f"./depth/{i}.png"
    return camera_of(clip.intrinsics[0]) | {"camera_model": "OPENCV", "k1": 0, "p2": 0.0, "frames": frames}


def write(folder: Path, content: dict[str, Any]) -> Path:
    (folder / "transforms.json").write_text(json.dumps(content))
    return folder


def test_opengl_axes_become_opencv_axes_and_names_give_the_order(tmp_path: Path, content: dict[str, Any]) -> None:
    read = read_rgbd_folder(write(tmp_path, content))
    assert_same(read, orbit_clip())
    assert read.metric
    assert read.seconds.tolist() == [0, 1, 2, 3]


def test_without_depth_lengths_are_not_metres(tmp_path: Path, content: dict[str, Any]) -> None:
    for frame in content["frames"]:
        del frame["depth_file_path"]
    read = read_rgbd_folder(write(tmp_path, content), fps=2)
    assert_same(read, orbit_clip(), depth=False)
    assert not read.metric
    assert read.seconds.tolist() == [0, 0.5, 1, 1.5]


def test_cameras_of_colmap_are_not_in_metres(tmp_path: Path, content: dict[str, Any]) -> None:
    for number, frame in enumerate(content["frames"]):
        frame["colmap_im_id"] = number
    assert not read_rgbd_folder(write(tmp_path, content)).metric


def test_a_frame_may_have_its_own_intrinsics(tmp_path: Path, content: dict[str, Any]) -> None:
    for key in ("fl_x", "fl_y", "cx", "cy"):
        shared = content.pop(key)
        for i, frame in enumerate(content["frames"]):
            frame[key] = shared + i  # the order of the file: 2, 0, 3, 1
    read = read_rgbd_folder(write(tmp_path, content))
    base = orbit_clip().intrinsics
    torch.testing.assert_close(read.intrinsics[:, 0, 0], base[:, 0, 0] + torch.tensor([1.0, 3, 0, 2]))
    torch.testing.assert_close(read.intrinsics[:, 1, 2], base[:, 1, 2] + torch.tensor([1.0, 3, 0, 2]))


def test_float_depth_is_in_millimetres_too(tmp_path: Path, content: dict[str, Any]) -> None:
    for frame in content["frames"]:
        path = tmp_path / frame["depth_file_path"]
        np.save(path.with_suffix(".npy"), np.array(Image.open(path)).astype(np.float32))
        frame["depth_file_path"] = frame["depth_file_path"].replace("png", "npy")
    assert_same(read_rgbd_folder(write(tmp_path, content)), orbit_clip())


def test_smaller_copies_take_smaller_intrinsics(tmp_path: Path, content: dict[str, Any]) -> None:
    full = resize_intrinsics(orbit_clip().intrinsics[0], (48, 64), (96, 128))
    content |= camera_of(full, 96, 128)
    (tmp_path / "images").rename(tmp_path / "images_2")
    assert_same(read_rgbd_folder(write(tmp_path, content)), orbit_clip())


def test_camera_angle_x_gives_the_focal_length(tmp_path: Path, content: dict[str, Any]) -> None:
    for key in ("fl_x", "fl_y", "cx", "cy"):
        del content[key]
    content["camera_angle_x"] = math.pi / 2
    intrinsics = read_rgbd_folder(write(tmp_path, content)).intrinsics[0]
    torch.testing.assert_close(intrinsics, torch.tensor([[32.0, 0, 32], [0, 32, 24], [0, 0, 1]]))


def test_a_distorted_picture_is_undistorted(tmp_path: Path, content: dict[str, Any]) -> None:
    """A bright pixel where the lens put the point (.4, .3) at z = 1 comes out where a pinhole puts it."""
    fx, fy, cx, cy = 60.0, 60.0, 32.0, 24.0
    content |= {"fl_x": fx, "fl_y": fy, "cx": cx, "cy": cy, "k1": -0.3, "k2": 0.1, "p1": 0.01, "p2": -0.02}
    content["frames"] = content["frames"][:1]
    del content["frames"][0]["depth_file_path"]
    x, y = 0.4, 0.3
    r2 = x * x + y * y  # OpenCV's formula, written out
    radial = 1 - 0.3 * r2 + 0.1 * r2 * r2
    u = fx * (x * radial + 2 * 0.01 * x * y - 0.02 * (r2 + 2 * x * x)) + cx
    v = fy * (y * radial + 0.01 * (r2 + 2 * y * y) - 2 * 0.02 * x * y) + cy
    picture = np.zeros((48, 64, 3), np.uint8)
    yy, xx = np.mgrid[:48, :64] + 0.5
    picture[..., 0] = 255 * np.exp(-((xx - u) ** 2 + (yy - v) ** 2) / 4)
    Image.fromarray(picture).save(tmp_path / "images" / "frame_2.png")
    red = read_rgbd_folder(write(tmp_path, content)).video[0, 0].double()
    weight = red / red.sum()
    centre = (
        float((weight.sum(0) * (torch.arange(64) + 0.5)).sum()),
        float((weight.sum(1) * (torch.arange(48) + 0.5)).sum()),
    )
    assert math.dist(centre, (fx * x + cx, fy * y + cy)) < 0.15  # the blob is stretched a little
    assert math.dist((u, v), (fx * x + cx, fy * y + cy)) > 1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"frames": 3}, "has no frames"),
        ({"frames": []}, "has no frames"),
        ({"fl_x": "wide"}, "needs the numbers fl_x"),
        ({"fl_x": int("9" * 400)}, "needs the numbers fl_x"),
        ({"w": math.inf}, "needs the whole numbers w and h"),
        ({"camera_model": "EQUIRECTANGULAR"}, "camera_model 'EQUIRECTANGULAR'.*undistort the pictures first"),
        ({"w": 30}, "is for 30x48 pixels, but the frames are 64x48"),
    ],
)
def test_another_form_gives_one_clear_line(
    tmp_path: Path, content: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read_rgbd_folder(write(tmp_path, content | change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png", "images/../../secret.png"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, content: dict[str, Any], name: str) -> None:
    for key in ("file_path", "depth_file_path"):
        frames = [content["frames"][0] | {key: name}, *content["frames"][1:]]
        with pytest.raises(ValueError, match=r"outside of"):
            read_rgbd_folder(write(tmp_path, content | {"frames": frames}))


def test_nested_and_damaged_json_gives_one_clear_line(tmp_path: Path) -> None:
    for text in ("[" * 100_000, "{", "[]", "\0"):
        (tmp_path / "transforms.json").write_text(text)
        assert is_rgbd_folder(tmp_path)
        with pytest.raises(ValueError, match=r"transforms.json"):
            read_rgbd_folder(tmp_path)
