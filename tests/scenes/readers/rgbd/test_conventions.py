"""Poses of another convention are found by reprojection; rates over 200 worlds stand in the message of the commit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.geometry import invert, swap_opengl
from scenes.clip import Clip
from scenes.readers.rgbd import read_rgbd_folder, write_rgbd_folder
from scenes.readers.rgbd.conventions import check_conventions, choose_pairs
from scenes.worlds import WorldConfig, make_world, render
from tests.support.clips.rgbd_clips import orbit_clip

WRONG = {
    "cam_T_world, the inverse": invert,
    "world_T_cam with OpenGL camera axes": swap_opengl,
    "cam_T_world with OpenGL camera axes": lambda pose: invert(swap_opengl(pose)),
    "world_T_cam with camera axes x left, y up": lambda pose: pose * torch.tensor([-1.0, -1, 1, 1]),
    "world_T_cam with camera axes x left, z backward": lambda pose: pose * torch.tensor([-1.0, 1, -1, 1]),
    "world_T_cam in millimetres": lambda pose: pose * torch.tensor([[1.0, 1, 1, 1000]] * 3 + [[1.0] * 4]),
}


def check(clip: Clip, poses: torch.Tensor, metric: bool = True) -> None:
    assert clip.depth is not None
    assert clip.intrinsics is not None
    depth, intrinsics = clip.depth, clip.intrinsics
    check_conventions(poses, range(len(clip)), lambda i: (depth[i], intrinsics[i]), metric, "log")


def world(seed: int, frames: int = 8, cameras: tuple[str, ...] = ("static", "pan", "orbit", "travel")) -> Clip:
    config = WorldConfig(height=48, width=64, frames=frames, motion=True, cameras=cameras)
    (clip,) = render([make_world(seed, config)], "cpu", signals=())
    return clip


@pytest.mark.parametrize("name", WRONG)
def test_poses_of_another_convention_are_named_with_their_cure(tmp_path: Path, name: str) -> None:
    clip = orbit_clip(8)
    write_rgbd_folder(replace(clip, world_T_cam=WRONG[name](clip.world_T_cam)), tmp_path / "room")
    with pytest.raises(
        ValueError, match=rf"room, trajectory.log looks like {name}.*: depth of a frame agrees"
    ) as caught:
        read_rgbd_folder(tmp_path / "room")
    assert any(cure in str(caught.value) for cure in ("invert", "negate", "divide"))


@pytest.mark.parametrize("seed", range(12))
def test_right_poses_of_moving_worlds_pass(seed: int) -> None:
    clip = world(seed)
    check(clip, clip.world_T_cam)
    noisy = torch.Generator().manual_seed(seed)
    depth = clip.depth * (1 + 0.03 * torch.randn(clip.depth.shape, generator=noisy))  # type: ignore[union-attr]
    check(replace(clip, depth=depth), clip.world_T_cam)


def test_a_camera_that_stands_still_says_nothing() -> None:
    clip = world(3, cameras=("static",))
    for convert in WRONG.values():
        check(clip, convert(clip.world_T_cam))


def test_jitter_of_a_camera_that_stands_still_is_not_taken_for_millimetres() -> None:
    for seed in range(5):
        clip = world(seed, cameras=("static",))
        poses = clip.world_T_cam.clone()
        poses[:, :3, 3] += 0.1 * torch.randn(len(clip), 3, generator=torch.Generator().manual_seed(seed))
        check(clip, poses)


def test_frames_without_overlap_say_nothing() -> None:
    clip = orbit_clip(8)
    turned = clip.world_T_cam.clone()
    for i in range(8):  # every frame looks another way, from another room
        angle = torch.tensor(i * 2.0)
        c, s = angle.cos(), angle.sin()
        turned[i, :3, :3] = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ turned[i, :3, :3]
        turned[i, 0, 3] += 30 * i
    check(clip, turned)


def test_a_wall_of_one_depth_says_nothing() -> None:
    clip = orbit_clip(8)
    check(replace(clip, depth=torch.full_like(clip.depth, 3.0)), invert(clip.world_T_cam))


def test_the_units_of_relative_geometry_are_not_questioned() -> None:
    clip = orbit_clip(8)
    with pytest.raises(ValueError, match="millimetres"):
        check(clip, WRONG["world_T_cam in millimetres"](clip.world_T_cam))
    check(clip, WRONG["world_T_cam in millimetres"](clip.world_T_cam), metric=False)


def test_few_frames_are_read_beside_those_that_are_wanted() -> None:
    clip = world(5, frames=60, cameras=("orbit",))
    pairs = choose_pairs(clip.world_T_cam, [0, 20, 40, 59])
    assert {i for pair in pairs for i in pair} >= {0, 40, 59}
    assert len({i for pair in pairs for i in pair}) <= 6
    assert all((j, i) in pairs and 0 < abs(i - j) <= 30 for i, j in pairs)


def test_real_frames_pass_and_their_inverse_does_not(shared_data: Path, tmp_path: Path) -> None:
    read = read_rgbd_folder(shared_data / "redwood_rgbd")
    assert read.world_T_cam is not None
    write_rgbd_folder(replace(read, world_T_cam=invert(read.world_T_cam)), tmp_path / "inverse")
    with pytest.raises(ValueError, match="looks like cam_T_world, the inverse"):
        read_rgbd_folder(tmp_path / "inverse")
    write_rgbd_folder(replace(read, world_T_cam=swap_opengl(read.world_T_cam)), tmp_path / "opengl")
    with pytest.raises(ValueError, match="looks like world_T_cam with OpenGL camera axes"):
        read_rgbd_folder(tmp_path / "opengl")
