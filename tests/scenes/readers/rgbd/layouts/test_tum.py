"""TUM folders that are damaged or hostile; the layout itself is tested in test_folder."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from scenes.readers.rgbd import read_rgbd_folder
from scenes.readers.rgbd.pinhole import write_pinhole
from tests.support.clips.rgbd_clips import orbit_clip, write_colour, write_units


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clip = orbit_clip()
    for i in range(4):
        write_colour(tmp_path / "rgb" / f"{i}.png", clip, i)
        write_units(tmp_path / "depth" / f"{i}.png", clip.depth[i] * 5000)
    for name in ("rgb", "depth"):
        (tmp_path / f"{name}.txt").write_text("".join(f"{1000 + i / 10} {name}/{i}.png\n" for i in range(4)))
    pose = "0 0 0 -0.5 0.5 -0.5 0.5"
    (tmp_path / "groundtruth.txt").write_text("".join(f"{1000 + i / 10} {pose}\n" for i in range(4)))
    write_pinhole(tmp_path / "camera.json", clip.intrinsics[0], clip.size)
    return tmp_path


def test_depth_has_5000_units_a_metre(folder: Path) -> None:
    read = read_rgbd_folder(folder)
    assert (read.depth - orbit_clip().depth).abs().max() < 1e-4
    assert read.metric


@pytest.mark.parametrize("name", ["/etc/passwd.png", "../out.png"])
@pytest.mark.parametrize("file", ["rgb.txt", "depth.txt"])
def test_names_that_lead_out_of_the_folder_are_refused(folder: Path, file: str, name: str) -> None:
    (folder / file).write_text(f"1000.0 {name}\n")
    with pytest.raises(ValueError, match=rf"{file} names '{name}', which is outside of"):
        read_rgbd_folder(folder)


@pytest.mark.parametrize("file", ["rgb.txt", "depth.txt", "groundtruth.txt"])
@pytest.mark.parametrize("text", ["", "# nothing\n", "1000.0\n", "nonsense here\n", "\xff", "1e999 a.png\n"])
def test_damaged_lists_are_one_clear_line(folder: Path, file: str, text: str) -> None:
    (folder / file).write_bytes(text.encode("latin-1"))
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        read_rgbd_folder(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_without_a_trajectory_poses_are_unknown_and_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "groundtruth.txt").unlink()
    (folder / "depth.txt").write_text("".join(f"{1000.01 + i / 10} depth/{i}.png\n" for i in (3, 1, 0)))
    with caplog.at_level(logging.WARNING):
        read = read_rgbd_folder(folder)
    assert read.world_T_cam is None
    assert torch.equal(read.video, orbit_clip().video[[0, 1, 3]])  # frame 2 has no depth at its time
    assert (read.depth - orbit_clip().depth[[0, 1, 3]]).abs().max() < 1e-4
    assert "no groundtruth.txt: the camera poses are unknown" in caplog.text
