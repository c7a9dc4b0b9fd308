"""ScanNet as its SensReader exports it: `color/`, `depth/`, `pose/`, `intrinsic/`.

Source: SensReader of github.com/ScanNet/ScanNet (arXiv 1702.04405).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from scenes.readers.rgbd.listing import (
    Cameras,
    RgbdListing,
    by_stem,
    frame_number,
    keep,
    list_colour,
    list_depth,
    one_camera,
)
from scenes.readers.rgbd.text import read_matrix

FPS = 30
_CENTRE = 0.5  # ScanNet counts pixels from the centre of the first one: 319.5 is the middle of 640
_TOLERANCE = 1e-4


def matches(folder: Path) -> bool:
    """Tell whether a folder has this layout."""
    return (folder / "pose").is_dir() and (folder / "intrinsic").is_dir()


def list_scannet(folder: Path, fps: int | float | None) -> RgbdListing:
    """List `color/N.jpg`, `depth/N.png` (millimetres), `pose/N.txt` (world_T_cam, 4x4) and `intrinsic/`.

    Frame number N is at second N / `fps` (30), also where frames were skipped. Colour (1296 x 968) keeps its grid;
    depth (640 x 480) is sampled at each colour pixel through both cameras. The exporter writes -inf where tracking was
    lost: such frames have no pose. Frames that lack one of the three files are left out.

    Raises:
        FileNotFoundError: a folder is empty.
        ValueError: a file is malformed, or no frame is whole.
    """
    colour, depth = list_colour(folder / "color"), by_stem(list_depth(folder / "depth"))
    whole = torch.tensor([f.stem in depth and (folder / "pose" / f"{f.stem}.txt").is_file() for f in colour])
    listing = RgbdListing(
        colour,
        torch.tensor([frame_number(file) for file in colour], dtype=torch.float64) / (fps or FPS),
        lambda index: _cameras(folder, len(index)),
        depth=[depth.get(file.stem, file) for file in colour],
        other_size=True,
        poses_from="pose/",
        notes=_notes(folder),
    )
    listing = keep(listing, whole, "they have no depth or no pose file")
    return replace(listing, world_T_cam=read_poses([folder / "pose" / f"{f.stem}.txt" for f in listing.colour]))


def read_poses(files: Sequence[Path]) -> Float[Tensor, "time 4 4"]:
    """Read a 4x4 matrix from each file.

    Raises:
        ValueError: a file is malformed.
    """
    return torch.stack([read_matrix(file, 4, 4) for file in files]).float()


def _cameras(folder: Path, count: int) -> Cameras:
    colour, depth = (read_matrix(folder / "intrinsic" / f"intrinsic_{n}.txt", 4, 4)[:3, :3] for n in ("color", "depth"))
    for intrinsics in (colour, depth):
        intrinsics[:2, 2] += _CENTRE
    return one_camera(colour, count, folder / "intrinsic" / "intrinsic_color.txt", depth=depth)


def _notes(folder: Path) -> list[str]:
    """Say so where colour and depth were not taken from one place."""
    for name in ("extrinsic_color.txt", "extrinsic_depth.txt"):
        path = folder / "intrinsic" / name
        if path.is_file() and float((read_matrix(path, 4, 4) - torch.eye(4)).abs().max()) > _TOLERANCE:
            return [f"{path} is not the identity, and it is not applied: depth may be shifted against colour"]
    return []
