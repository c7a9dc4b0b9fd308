from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.geometry import invert, project, transform, transform_points, unproject
from scenes.clip import Clip
from scenes.readers.rgbd import read_rgbd_folder, write_rgbd_folder

TIMES = (0.0, 0.1, 0.35)


def look(yaw: float, position: tuple[float, float, float]) -> torch.Tensor:
    """Stand at `position` in a z-up world and look along the horizontal direction `yaw`."""
    forward = torch.tensor([math.cos(yaw), math.sin(yaw), 0])
    down = torch.tensor([0.0, 0, -1])
    world_T_cam = torch.eye(4)
    world_T_cam[:3, :3] = torch.stack([torch.linalg.cross(down, forward), down, forward], 1)
    world_T_cam[:3, 3] = torch.tensor(position)
    return world_T_cam


@pytest.fixture
def clip() -> Clip:
    generator = torch.Generator().manual_seed(0)
    depth = torch.randint(500, 4000, (3, 24, 32), generator=generator) / 1000
    depth[:, :4] = 0
    return Clip(
        video=torch.randint(0, 256, (3, 3, 24, 32), generator=generator, dtype=torch.uint8),
        seconds=torch.tensor(TIMES),
        depth=depth,
        intrinsics=torch.tensor([[30.0, 0, 16.25], [0, 31, 11.5], [0, 0, 1]]).expand(3, 3, 3),
        world_T_cam=torch.stack([look(0.3 * i, (i, 2.0, 1.5)) for i in range(3)]),
    )


@pytest.fixture
def folder(clip: Clip, tmp_path: Path) -> Path:
    write_rgbd_folder(clip, tmp_path / "room")
    return tmp_path / "room"


def test_reading_gives_back_what_was_written(clip: Clip, folder: Path) -> None:
    read = read_rgbd_folder(folder)
    for part in ("video", "seconds", "depth", "intrinsics", "world_T_cam"):
        assert torch.equal(getattr(read, part), getattr(clip, part)), part
    assert read.name == "room"


def test_a_written_folder_stays_z_up_when_the_cameras_look_at_the_floor(clip: Clip, tmp_path: Path) -> None:
    tilt = torch.eye(4)
    tilt[:3, :3] = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # nose down by 90 degrees
    down = replace(clip, world_T_cam=clip.world_T_cam @ tilt)
    write_rgbd_folder(down, tmp_path / "floor")
    torch.testing.assert_close(read_rgbd_folder(tmp_path / "floor").world_T_cam, down.world_T_cam)


def test_sampled_frames_keep_their_times_and_poses(clip: Clip, folder: Path) -> None:
    read = read_rgbd_folder(folder, frames=2)
    assert torch.equal(read.seconds, clip.seconds[[0, 2]])
    assert torch.equal(read.world_T_cam, clip.world_T_cam[[0, 2]])
    assert torch.equal(read_rgbd_folder(folder, indices=[1]).depth, clip.depth[[1]])


def test_without_timestamps_the_time_is_index_over_fps(folder: Path) -> None:
    (folder / "timestamps.txt").unlink()
    torch.testing.assert_close(read_rgbd_folder(folder, fps=10.0).seconds, torch.tensor([0, 0.1, 0.2]))


def test_an_interrupted_write_leaves_nothing_behind(clip: Clip, tmp_path: Path) -> None:
    far = replace(clip, depth=clip.depth.clone().index_fill_(0, torch.tensor([2]), 70.0))
    with pytest.raises(ValueError, match="16 bits"):
        write_rgbd_folder(far, tmp_path / "room")
    assert list(tmp_path.iterdir()) == []


def test_writing_never_replaces_a_folder(clip: Clip, folder: Path) -> None:
    with pytest.raises(FileExistsError, match="exists"):
        write_rgbd_folder(clip, folder)


def test_nan_depth_is_refused_with_its_frame(clip: Clip, tmp_path: Path) -> None:
    clip.depth[1, 5, 5] = math.nan
    with pytest.raises(ValueError, match=r"depth is NaN.*frame 1"):
        write_rgbd_folder(clip, tmp_path / "room")


def damage(folder: Path, what: str) -> None:
    log = folder / "trajectory.log"
    match what:
        case "depth frames":
            (folder / "depth" / "00002.png").unlink()
        case "no pictures in depth":
            shutil.rmtree(folder / "depth")
        case "0 pinhole files":
            (folder / "camera.json").unlink()
        case "not an Open3D pinhole":
            (folder / "camera.json").write_text("{}")
        case "is for 9x9":
            camera = json.loads((folder / "camera.json").read_text())
            (folder / "camera.json").write_text(json.dumps(camera | {"width": 9, "height": 9}))
        case "not a trajectory log":
            log.write_text("hello\n" + log.read_text())
        case "pose is not finite":
            log.write_text(log.read_text().replace("-1", "nan", 1))
        case "pose is not rigid":
            log.write_text(log.read_text().replace("-1", "-3", 1))
        case "times must increase":
            (folder / "timestamps.txt").write_text("0\n2\n1\n")
        case "is 8x8, expected":
            Image.fromarray(np.zeros((8, 8), np.uint16)).save(folder / "depth" / "00001.png")
        case "16-bit":
            Image.fromarray(np.zeros((24, 32), np.uint8)).save(folder / "depth" / "00001.png")
        case "truncated or of another format":
            (folder / "color" / "00001.png").write_bytes((folder / "color" / "00001.png").read_bytes()[:200])


@pytest.mark.parametrize(
    "what",
    [
        "depth frames",
        "no pictures in depth",
        "0 pinhole files",
        "not an Open3D pinhole",
        "is for 9x9",
        "not a trajectory log",
        "pose is not finite",
        "pose is not rigid",
        "times must increase",
        "is 8x8, expected",
        "16-bit",
        "truncated or of another format",
    ],
)
def test_a_damaged_folder_gives_one_clear_line(folder: Path, what: str) -> None:
    damage(folder, what)
    with pytest.raises((ValueError, FileNotFoundError), match=what) as caught:
        read_rgbd_folder(folder)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_rgbd_folder(tmp_path / "nowhere")


def test_open3d_json_trajectories_hold_inverse_poses_by_column(clip: Clip, folder: Path) -> None:
    (folder / "trajectory.log").unlink()
    columns = [pose.T.flatten().tolist() for pose in invert(clip.world_T_cam)]
    (folder / "trajectory.json").write_text(json.dumps({"parameters": [{"extrinsic": c} for c in columns]}))
    torch.testing.assert_close(read_rgbd_folder(folder).world_T_cam, clip.world_T_cam)


@pytest.fixture
def tum_folder(clip: Clip, folder: Path) -> Path:
    """The same clip in the TUM layout; times count from 1970, and the last colour frame has no depth near it."""
    start = 1305031102.175304
    names = [f"{i:05d}.png" for i in range(3)]
    for name in names:
        path = folder / "depth" / name
        Image.fromarray((np.asarray(Image.open(path)).astype(np.uint32) * 5).astype(np.uint16)).save(path)
    depth_times = (0.008, 0.093, 0.45)
    (folder / "rgb.txt").write_text(
        "# colour\n" + "".join(f"{start + t:.6f} color/{n}\n" for t, n in zip(TIMES, names, strict=True))
    )
    (folder / "depth.txt").write_text(
        "".join(f"{start + t:.6f} depth/{n}\n" for t, n in zip(depth_times, names, strict=True))
    )
    rows = ["# timestamp tx ty tz qx qy qz qw"]
    for time, pose in zip(np.arange(0, 0.5, 0.01), (0,) * 5 + (1,) * 20 + (2,) * 25, strict=True):
        rows.append(" ".join(map(str, [start + time, *clip.world_T_cam[pose, :3, 3].tolist(), *quaternion(pose)])))
    (folder / "groundtruth.txt").write_text("\n".join(rows))
    return folder


def quaternion(index: int) -> list[float]:
    """Give the rotation of `look(0.3 * index, ...)` as x, y, z, w: half the yaw, then (0.5, -0.5, 0.5, -0.5)."""
    half = 0.3 * index / 2
    plus, minus = (math.cos(half) + math.sin(half)) / 2, (math.cos(half) - math.sin(half)) / 2
    return [plus, -minus, minus, -plus]


def test_tum_folders_are_matched_by_time(clip: Clip, tum_folder: Path) -> None:
    read = read_rgbd_folder(tum_folder)
    assert len(read) == 2
    torch.testing.assert_close(read.seconds, torch.tensor(TIMES[:2]), atol=1e-6, rtol=0)  # printed to microseconds
    torch.testing.assert_close(read.depth, clip.depth[:2])
    torch.testing.assert_close(read.world_T_cam, clip.world_T_cam[:2])


def test_redwood_principal_point_moves_to_centres_at_half(shared_data: Path) -> None:
    redwood = read_rgbd_folder(shared_data / "redwood_rgbd")
    assert redwood.intrinsics[0].tolist() == [[525, 0, 320], [0, 525, 240], [0, 0, 1]]


def test_the_redwood_world_is_turned_z_up(shared_data: Path) -> None:
    redwood = read_rgbd_folder(shared_data / "redwood_rgbd")
    assert (-redwood.world_T_cam[:, 2, 1] > 0.99).all()  # the cameras stand upright: their -y is the world's z
    same = read_rgbd_folder(shared_data / "redwood_rgbd", up="y")
    assert torch.equal(redwood.world_T_cam, same.world_T_cam)


def test_redwood_depth_of_frame_0_agrees_with_the_sensor_of_frame_4(shared_data: Path) -> None:
    """Acceptance 2: a median of 6 mm or less; inverted poses give 136 mm."""
    redwood = read_rgbd_folder(shared_data / "redwood_rgbd")
    cam0 = unproject(redwood.depth[0], redwood.intrinsics[0])
    world = transform(cam0, redwood.world_T_cam[0], "world")
    xyz = transform_points(world.xyz[world.valid], invert(redwood.world_T_cam[4]))
    u, v = project(xyz, redwood.intrinsics[4]).floor().unbind(-1)
    inside = (u >= 0) & (u < 640) & (v >= 0) & (v < 480)
    sensor = redwood.depth[4][v[inside].long(), u[inside].long()]
    error = (sensor - xyz[inside, 2]).abs()[sensor > 0]
    print(f"median {error.median() * 1000:.2f} mm, 90th percentile {error.quantile(0.9) * 1000:.1f} mm")
    assert error.median() <= 0.006
    assert inside.float().mean() > 0.8


def test_a_folder_without_a_trajectory_has_depth_and_no_poses(clip: Clip, folder: Path) -> None:
    (folder / "trajectory.log").unlink()
    found = read_rgbd_folder(folder)
    assert found.world_T_cam is None
    assert torch.equal(found.depth, clip.depth)
