"""SUN RGB-D: one frame in a folder, `image/`, `depth_bfx/`, `intrinsics.txt`, `extrinsics/`.

Source: the toolbox of rgbd.cs.princeton.edu (CVPR 2015): depth is rotated left by three bits.
"""

from __future__ import annotations

from pathlib import Path

import torch

from models.geometry import matrix
from scenes.readers.rgbd.listing import RgbdListing, list_colour, list_depth, one_camera
from scenes.readers.rgbd.text import read_matrix


def matches(folder: Path) -> bool:
    """Tell whether a folder has this layout."""
    return (folder / "image").is_dir() and (folder / "intrinsics.txt").is_file()


def list_sunrgbd(folder: Path, fps: int | float | None) -> RgbdListing:
    """List the frame: depth in millimetres with rotated bits, with its holes filled (`depth_bfx`) where that is there.

    The rotation in `extrinsics/` levels the camera: its world has OpenCV axes, -y up. The toolbox counts pixels from 1
    and its Python translations from 0; here the principal point is taken between, with centres at .5. `fps` is not
    needed.

    Raises:
        FileNotFoundError: a part of the layout is missing.
        ValueError: there are several frames, or a file is malformed.
    """
    colour = list_colour(folder / "image")
    depth = list_depth(folder / ("depth_bfx" if (folder / "depth_bfx").is_dir() else "depth"))
    if len(colour) != 1 or len(depth) != 1:
        raise ValueError(f"{folder} has {len(colour)} pictures and {len(depth)} depth maps, expected one of each")
    tilts = sorted(file for file in (folder / "extrinsics").glob("*.txt") if not file.name.startswith("."))
    world_T_cam = None
    if tilts:  # several are versions of one calibration; the toolbox takes the last
        world_T_cam = matrix(read_matrix(tilts[-1], 3, 4)[:, :3], torch.zeros(3, dtype=torch.float64)).float()[None]
    return RgbdListing(
        colour,
        torch.zeros(1, dtype=torch.float64),
        lambda index: one_camera(read_matrix(folder / "intrinsics.txt", 3, 3), len(index), folder / "intrinsics.txt"),
        depth=depth,
        world_T_cam=world_T_cam,
        shifted_bits=True,
        up="-y",
        poses_from="extrinsics/",
    )
