"""ARKitScenes: `lowres_wide/`, `lowres_depth/`, `lowres_wide.traj`, `lowres_wide_intrinsics/` (256 x 192).

Source: DATA.md and raw/README.md of github.com/apple/ARKitScenes (arXiv 2111.08897).
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import invert, matrix
from scenes.readers.rgbd.listing import (
    Cameras,
    RgbdListing,
    by_stem,
    keep,
    list_colour,
    list_depth,
    list_files,
    nearest,
    pinholes,
)
from scenes.readers.rgbd.text import numbers, read_numbers, whole_number
from scenes.readers.rgbd.trajectories import rotation_from_axis_angle

MAX_GAP = 0.05  # seconds from a frame to its pose: half of the step of the 10 poses a second
_SAME = 0.0015  # seconds: names are rounded to milliseconds
_COLOUR, _DEPTH, _TRAJECTORY, _INTRINSICS = "lowres_wide", "lowres_depth", "lowres_wide.traj", "lowres_wide_intrinsics"


def matches(folder: Path) -> bool:
    """Tell whether a folder has this layout."""
    return (folder / _COLOUR).is_dir() or (folder / _TRAJECTORY).is_file()


def list_arkitscenes(folder: Path, fps: int | float | None) -> RgbdListing:
    """List frames `VIDEO_SECONDS.png` with depth (millimetres), the nearest pose, and intrinsics of their own.

    The trajectory holds cam_T_world as axis times angle and translation; the world is z-up. Its 10 poses a second are
    fewer than the frames: a frame without a pose within .05 s is left out, and one without depth or intrinsics.
    Pictures lie as the sensor does: held upright, the phone took them on their side. `fps` is not needed.

    Raises:
        FileNotFoundError: a part of the layout is missing.
        ValueError: a file is malformed, or no frame is whole.
    """
    colour, depth = list_colour(folder / _COLOUR), by_stem(list_depth(folder / _DEPTH))
    seconds = _seconds(colour)
    cameras = list_files(folder / _INTRINSICS, frozenset({".pincam"}))
    rows = read_numbers(folder / _TRAJECTORY, 7, "lines 'seconds rx ry rz tx ty tz'")
    pose_index, pose_gap = nearest(seconds, rows[:, 0])
    camera_index, camera_gap = nearest(seconds, _seconds(cameras))
    world_T_cam = invert(matrix(rotation_from_axis_angle(rows[:, 1:4]), rows[:, 4:])).float()
    listing = RgbdListing(
        colour,
        seconds,
        lambda index: _cameras([cameras[int(camera_index[i])] for i in index]),
        depth=[depth.get(file.stem, file) for file in colour],
        world_T_cam=world_T_cam[pose_index],
        up="z",
        poses_from=_TRAJECTORY,
    )
    whole = torch.tensor([file.stem in depth for file in colour]) & (camera_gap <= _SAME)
    listing = keep(listing, whole, "they have no depth or no intrinsics")
    return keep(listing, (pose_gap <= MAX_GAP)[whole], f"no pose within {MAX_GAP} s")


def _seconds(files: list[Path]) -> Float[Tensor, "time"]:
    form = f"{files[0]}: need names 'VIDEO_SECONDS'"
    return numbers([file.stem.rsplit("_", 1)[-1] for file in files], form)


def _cameras(files: list[Path]) -> Cameras:
    form = "one line 'width height fx fy cx cy'"
    rows = torch.cat([read_numbers(file, 6, form)[:1] for file in files])
    if not bool((rows[:, :2] == rows[:1, :2]).all()):
        raise ValueError(f"{files[0].parent} has intrinsics for pictures of several sizes")
    width, height = (whole_number(float(side), form) for side in rows[0, :2])
    return Cameras(pinholes(rows[:, 2:]), files[0], (height, width))
