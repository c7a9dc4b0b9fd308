"""ScanNet as SensReader exports it; files that the test writes."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.geometry import resize_intrinsics
from scenes.readers.rgbd import read_rgbd_folder
from tests.support.clips.rgbd_clips import assert_same, orbit_clip, write_colour, write_matrix, write_millimetres


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clip = orbit_clip()
    for i in range(4):
        write_colour(tmp_path / "color" / f"{10 * i}.png", clip, i)
        write_millimetres(tmp_path / "depth" / f"{10 * i}.png", clip, i)
        write_matrix(tmp_path / "pose" / f"{10 * i}.txt", clip.world_T_cam[i])
    write_intrinsics(tmp_path, clip.intrinsics[0], clip.intrinsics[0])
    return tmp_path


def write_intrinsics(folder: Path, colour: torch.Tensor, depth: torch.Tensor) -> None:
    """Four by four, counted from the centre of the first pixel."""
    for name, intrinsics in (("color", colour), ("depth", depth)):
        full = torch.eye(4)
        full[:3, :3] = intrinsics
        full[:2, 2] -= 0.5
        write_matrix(folder / "intrinsic" / f"intrinsic_{name}.txt", full)
        write_matrix(folder / "intrinsic" / f"extrinsic_{name}.txt", torch.eye(4))


def test_an_export_gives_the_clip_back(folder: Path) -> None:
    read = read_rgbd_folder(folder)
    assert_same(read, orbit_clip())
    torch.testing.assert_close(read.seconds, torch.tensor([0, 10, 20, 30]) / 30)  # frame numbers, 30 a second
    assert read.metric


def test_frames_are_in_the_order_of_their_numbers(folder: Path) -> None:
    for part, suffix in (("color", "png"), ("depth", "png"), ("pose", "txt")):
        (folder / part / f"30.{suffix}").rename(folder / part / f"100.{suffix}")
    torch.testing.assert_close(read_rgbd_folder(folder).seconds, torch.tensor([0, 10, 20, 100]) / 30)


def test_a_frame_whose_tracking_was_lost_is_left_out_and_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_matrix(folder / "pose" / "10.txt", torch.full((4, 4), -torch.inf))
    with caplog.at_level(logging.WARNING):
        read = read_rgbd_folder(folder)
    assert_same(read, orbit_clip().frames([0, 2, 3]))
    assert "1 of 4 frames are left out: they have no pose in pose/" in caplog.text


def test_a_frame_without_depth_is_left_out_and_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "depth" / "20.png").unlink()
    with caplog.at_level(logging.WARNING):
        assert_same(read_rgbd_folder(folder), orbit_clip().frames([0, 1, 3]))
    assert "1 of 4 frames are left out: they have no depth" in caplog.text


def test_depth_of_half_the_size_is_sampled_at_colour_pixels_through_both_cameras(folder: Path) -> None:
    """Rows of depth hold their own number, so that each colour pixel tells where it looked."""
    rows = (1000 + 10 * torch.arange(24))[:, None].expand(24, 32)
    for i in range(4):
        Image.fromarray(rows.numpy().astype(np.uint16)).save(folder / "depth" / f"{10 * i}.png")
    colour = orbit_clip().intrinsics[0]
    depth = resize_intrinsics(colour, (48, 64), (24, 32))
    depth[1, 2] += 3  # the principal point of depth lies 3 of its pixels lower than by size alone
    write_intrinsics(folder, colour, depth)
    for i in range(4):  # a camera that stands still: such depth belongs to no other motion
        write_matrix(folder / "pose" / f"{10 * i}.txt", orbit_clip().world_T_cam[0])
    read = read_rgbd_folder(folder, indices=[0])
    assert read.size == (48, 64)
    assert torch.equal(read.intrinsics[0], read_rgbd_folder(folder, indices=[1]).intrinsics[0])
    expected = torch.arange(48) // 2 + 3
    got = ((read.depth[0, :, 20] - 1) * 100).round().long()
    assert got[:42].tolist() == expected[:42].tolist()
    assert (read.depth[0, 42:] == 0).all()  # below the last row of depth nothing is known


def test_intrinsics_of_other_pictures_are_refused(folder: Path) -> None:
    big = resize_intrinsics(orbit_clip().intrinsics[0], (48, 64), (96, 128))
    write_intrinsics(folder, big, big)
    with pytest.raises(ValueError, match=r"intrinsic_color.txt: the principal point .* is far from the middle"):
        read_rgbd_folder(folder)


def test_a_shift_between_colour_and_depth_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    shift = torch.eye(4)
    shift[0, 3] = -0.038
    write_matrix(folder / "intrinsic" / "extrinsic_color.txt", shift)
    with caplog.at_level(logging.WARNING):
        read_rgbd_folder(folder)
    assert "extrinsic_color.txt is not the identity" in caplog.text
