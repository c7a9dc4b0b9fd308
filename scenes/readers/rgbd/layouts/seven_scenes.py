"""7-Scenes: `frame-000000.color.png`, `.depth.png`, `.pose.txt` in one folder.

Source: microsoft.com/en-us/research/project/rgb-d-dataset-7-scenes.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import torch

from scenes.readers.rgbd.layouts.scannet import read_poses
from scenes.readers.rgbd.listing import RgbdListing, frame_number, keep, list_files, one_camera

FPS = 30
_INTRINSICS = [[585.0, 0, 320], [0, 585, 240], [0, 0, 1]]  # of the depth camera, as published; of 640 x 480
_COLOUR = ".color.png"


def matches(folder: Path) -> bool:
    """Tell whether a folder has this layout."""
    names = os.listdir(folder)
    return all(any(name.endswith(end) for name in names) for end in (_COLOUR, ".pose.txt"))


def list_seven_scenes(folder: Path, fps: int | float | None) -> RgbdListing:
    """List the frames of a sequence: depth in millimetres (65535 unknown), poses world_T_cam.

    Frame number N is at second N / `fps` (30). The data set has one camera, published on its page; colour is not
    registered to depth, but close.

    Raises:
        ValueError: a file is malformed, or no frame is whole.
    """
    colour = [file for file in list_files(folder, frozenset({".png"})) if file.name.endswith(_COLOUR)]
    names = [file.name.removesuffix(_COLOUR) for file in colour]
    depth, poses = ([folder / f"{name}{end}" for name in names] for end in (".depth.png", ".pose.txt"))
    listing = RgbdListing(
        colour,
        torch.tensor([frame_number(Path(name)) for name in names], dtype=torch.float64) / (fps or FPS),
        lambda index: one_camera(torch.tensor(_INTRINSICS), len(index), folder, (480, 640)),
        depth=depth,
        poses_from="*.pose.txt",
    )
    whole = torch.tensor([d.is_file() and p.is_file() for d, p in zip(depth, poses, strict=True)])
    listing = keep(listing, whole, "they have no depth or no pose file")
    world_T_cam = read_poses([file.with_name(f"{file.name.removesuffix(_COLOUR)}.pose.txt") for file in listing.colour])
    return replace(listing, world_T_cam=world_T_cam)
