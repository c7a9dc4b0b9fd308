"""COLMAP models, text and binary; files that the test writes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
from scipy.spatial.transform import Rotation

from models.geometry import invert
from scenes.clip import Clip
from scenes.readers.rgbd import read_rgbd_folder
from tests.support.clips.rgbd_clips import assert_same, orbit_clip, write_colour

NAMES = ("a/frame_2.png", "a/frame_10.png", "a/frame_11.png", "b frame.png")


def poses_of(clip: Clip) -> list[list[float]]:
    """QW QX QY QZ TX TY TZ of cam_T_world."""
    cam_T_world = invert(clip.world_T_cam.double()).numpy()
    xyzw = Rotation.from_matrix(cam_T_world[:, :3, :3]).as_quat()
    return [[q[3], *q[:3], *pose[:3, 3]] for q, pose in zip(xyzw, cam_T_world, strict=True)]


def write_text(folder: Path, cameras: str) -> None:
    folder.mkdir(parents=True)
    (folder / "cameras.txt").write_text("# Camera list\n#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n" + cameras)
    lines = ["# Image list with two lines of data per image:"]
    for number, (name, pose) in enumerate(zip(NAMES, poses_of(orbit_clip()), strict=True)):
        lines.append(f"{number + 1} {' '.join(map(repr, map(float, pose)))} 7 {name}")
        lines.append("" if number == 1 else "10.5 20.5 -1 30.5 12.5 3")  # a picture may have no points
    (folder / "images.txt").write_text("\n".join(lines) + "\n")


def write_binary(folder: Path, model: int, parameters: list[float]) -> None:
    folder.mkdir(parents=True)
    camera = struct.pack("<QIiQQ", 1, 7, model, 64, 48) + struct.pack(f"<{len(parameters)}d", *parameters)
    (folder / "cameras.bin").write_bytes(camera)
    data = struct.pack("<Q", 4)
    for number, (name, pose) in enumerate(zip(NAMES, poses_of(orbit_clip()), strict=True)):
        data += struct.pack("<I7dI", number + 1, *pose, 7) + name.encode() + b"\0"
        data += struct.pack("<Q", number) + struct.pack("<ddq", 1.5, 2.5, -1) * number
    (folder / "images.bin").write_bytes(data)


def pinhole() -> list[float]:
    (fx, _, cx), (_, fy, cy), _ = orbit_clip().intrinsics[0].tolist()
    return [fx, fy, cx, cy]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, name in enumerate(NAMES):
        write_colour(tmp_path / "images" / name, orbit_clip(), i)
    return tmp_path


@pytest.mark.parametrize("place", ["sparse/0", "sparse", "colmap/sparse/0", "."])
def test_a_text_model_gives_poses_of_unknown_scale(folder: Path, place: str) -> None:
    fx, fy, cx, cy = pinhole()
    if place == ".":
        write_text(folder / "model", f"7 PINHOLE 64 48 {fx} {fy} {cx} {cy}\n")
        for file in (folder / "model").iterdir():
            file.rename(folder / file.name)
    else:
        write_text(folder / place, f"7 PINHOLE 64 48 {fx} {fy} {cx} {cy}\n")
    read = read_rgbd_folder(folder)
    assert_same(read, orbit_clip(), depth=False)
    assert not read.metric


def test_a_binary_model_is_read_the_same(folder: Path) -> None:
    write_binary(folder / "sparse" / "0", 1, pinhole())
    assert_same(read_rgbd_folder(folder), orbit_clip(), depth=False)


@pytest.mark.parametrize(
    "model, number, extra", [("OPENCV", 4, [0.0] * 4), ("FULL_OPENCV", 6, [0.0] * 8), ("RADIAL", 3, [0.0, 0.0])]
)
def test_models_without_distortion_are_pinholes(folder: Path, model: str, number: int, extra: list[float]) -> None:
    fx, fy, cx, cy = pinhole()
    assert fx == pytest.approx(fy)
    parameters = [fx, cx, cy, *extra] if model == "RADIAL" else [fx, fy, cx, cy, *extra]
    write_binary(folder / "sparse", number, parameters)
    assert_same(read_rgbd_folder(folder), orbit_clip(), depth=False)


def test_a_lens_is_undistorted_by_its_model(folder: Path) -> None:
    """SIMPLE_RADIAL and an OPENCV of the same k1 agree; an equidistant fisheye pulls the border in."""
    fx, fy, cx, cy = pinhole()
    videos = {}
    for name, camera in {
        "none": f"7 PINHOLE 64 48 {fx} {fy} {cx} {cy}",
        "simple": f"7 SIMPLE_RADIAL 64 48 {fx} {cx} {cy} -0.6",
        "opencv": f"7 OPENCV 64 48 {fx} {fx} {cx} {cy} -0.6 0 0 0",
        "fisheye": f"7 OPENCV_FISHEYE 64 48 {fx} {fx} {cx} {cy} 0 0 0 0",
    }.items():
        write_text(folder / "sparse", camera)
        videos[name] = read_rgbd_folder(folder).video.float()
        for file in (folder / "sparse").iterdir():
            file.unlink()
        (folder / "sparse").rmdir()
    assert torch.equal(videos["simple"], videos["opencv"])
    assert (videos["none"] - videos["simple"]).abs().mean() > 1
    assert (videos["none"] - videos["fisheye"]).abs().mean() > 1
    centre = (slice(None), slice(None), slice(22, 26), slice(30, 34))
    assert (videos["none"][centre] - videos["simple"][centre]).abs().mean() < 2


def test_a_lens_that_is_not_undistorted_names_the_cure(folder: Path) -> None:
    write_text(folder / "sparse", "7 FOV 64 48 50 50 32 24 0.9")
    with pytest.raises(ValueError, match=r"model FOV.*colmap image_undistorter"):
        read_rgbd_folder(folder)


def test_depth_maps_of_a_dense_workspace_are_read(folder: Path) -> None:
    clip = orbit_clip()
    write_binary(folder / "sparse", 1, pinhole())
    for i, name in enumerate(NAMES):
        path = folder / "stereo" / "depth_maps" / f"{name}.geometric.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"64&48&1&" + (clip.depth[i] * 3).numpy().astype("<f4").tobytes())
    read = read_rgbd_folder(folder)
    torch.testing.assert_close(read.depth, clip.depth * 3)  # its unit is that of the poses: not checked against metres


def test_pictures_that_are_missing_are_left_out(folder: Path) -> None:
    write_binary(folder / "sparse", 1, pinhole())
    (folder / "images" / NAMES[1]).unlink()
    assert_same(read_rgbd_folder(folder), orbit_clip().frames([0, 2, 3]), depth=False)


@pytest.mark.parametrize("name", ["images.bin", "cameras.bin"])
@pytest.mark.parametrize("damage", ["cut", "count", "model"])
def test_a_damaged_binary_gives_one_clear_line(folder: Path, name: str, damage: str) -> None:
    write_binary(folder / "sparse", 1, pinhole())
    path = folder / "sparse" / name
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[:-5]
    elif damage == "count":
        data[:8] = b"\xff" * 8
    elif name == "cameras.bin":
        data[12:16] = struct.pack("<i", 99)
    else:
        data = data[:90]
    path.write_bytes(data)
    with pytest.raises(ValueError, match=name) as caught:
        read_rgbd_folder(folder)
    assert "\n" not in str(caught.value)


def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path) -> None:
    write_text(folder / "sparse", "7 PINHOLE 64 48 50 50 32 24\n")
    path = folder / "sparse" / "images.txt"
    path.write_text(path.read_text().replace("a/frame_2.png", "../../../etc/passwd.png"))
    with pytest.raises(ValueError, match=r"outside of"):
        read_rgbd_folder(folder)
