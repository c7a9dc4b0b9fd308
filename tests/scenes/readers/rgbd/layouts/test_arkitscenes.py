"""ARKitScenes; files that the test writes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from models.geometry import invert
from scenes.clip import Clip
from scenes.readers.rgbd import read_rgbd_folder
from tests.support.clips.rgbd_clips import assert_same, orbit_clip, write_colour, write_millimetres

STAMPS = ("4395.132", "4395.232", "4395.332", "4395.432")


def axis_angle(rotation: torch.Tensor) -> torch.Tensor:
    """Invert Rodrigues' formula, for angles below pi."""
    angle = torch.arccos(((rotation.trace() - 1) / 2).clamp(-1, 1))
    skew = (rotation - rotation.T) / (2 * torch.sin(angle))
    return angle * torch.stack([skew[2, 1], skew[0, 2], skew[1, 0]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clip = orbit_clip()
    lines = []
    for i, stamp in enumerate(STAMPS):
        write_colour(tmp_path / "lowres_wide" / f"47_{stamp}.png", clip, i)
        write_millimetres(tmp_path / "lowres_depth" / f"47_{stamp}.png", clip, i)
        cam_T_world = invert(clip.world_T_cam[i].double())
        values = [*axis_angle(cam_T_world[:3, :3]).tolist(), *cam_T_world[:3, 3].tolist()]
        lines.append(" ".join(f"{x:.12g}" for x in (float(stamp) + 0.004, *values)))
        name = f"47_{float(stamp) + 0.001 * (i == 2):.3f}.pincam"  # some names are off by a millisecond
        (fx, _, cx), (_, fy, cy), _ = own_intrinsics(clip, i).tolist()
        (tmp_path / "lowres_wide_intrinsics").mkdir(exist_ok=True)
        (tmp_path / "lowres_wide_intrinsics" / name).write_text(f"64 48 {fx} {fy} {cx} {cy}")
    (tmp_path / "lowres_wide.traj").write_text("\n".join(lines))
    return tmp_path


def own_intrinsics(clip: Clip, frame: int) -> torch.Tensor:
    """The focal length of the phone breathes."""
    return clip.intrinsics[frame] * torch.tensor([[1 + frame / 1000], [1 + frame / 1000], [1]])


def test_frames_have_their_own_intrinsics_and_the_nearest_pose(folder: Path) -> None:
    clip = orbit_clip()
    read = read_rgbd_folder(folder)
    expected = torch.stack([own_intrinsics(clip, i) for i in range(4)])
    torch.testing.assert_close(read.intrinsics, expected)
    object.__setattr__(read, "intrinsics", clip.intrinsics)
    assert_same(read, clip)
    torch.testing.assert_close(read.world_T_cam, clip.world_T_cam, atol=1e-5, rtol=1e-5)  # its world is z-up
    torch.testing.assert_close(read.seconds, torch.tensor([0, 0.1, 0.2, 0.3]))


def test_only_the_cameras_of_the_frames_that_are_read_are_opened(folder: Path) -> None:
    (folder / "lowres_wide_intrinsics" / f"47_{STAMPS[1]}.pincam").write_text("damaged")
    read_rgbd_folder(folder, indices=[0], intrinsics=orbit_clip().intrinsics[0])
    with pytest.raises(ValueError, match=r"need one line 'width height fx fy cx cy'"):
        read_rgbd_folder(folder, indices=[1])


def test_a_frame_far_from_every_pose_is_left_out_and_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / "lowres_wide.traj"
    path.write_text("\n".join(path.read_text().splitlines()[:3]))
    with caplog.at_level(logging.WARNING):
        assert len(read_rgbd_folder(folder)) == 3
    assert "1 of 4 frames are left out: no pose within 0.05 s" in caplog.text
