"""ScanNet++: a scene's `iphone/` (RGB-D) or `dslr/` (colour only).

Source: github.com/scannetpp/scannetpp (arXiv 2308.11417), whose scripts extract the pictures and undistort them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from scenes.readers.rgbd.layouts.nerfstudio import list_transforms
from scenes.readers.rgbd.listing import Cameras, RgbdListing, by_stem, frame_number, keep, list_colour, list_depth
from scenes.readers.rgbd.text import numbers, read_json

FPS = 60
_POSES = "pose_intrinsic_imu.json"
_SIZE = (1440, 1920)  # of the phone's video, for which its intrinsics are
_DSLR = (  # cameras and their pictures, the first that are there: what the toolkit undistorts, then its fisheye
    ("nerfstudio/transforms_undistorted.json", "resized_undistorted_images"),
    ("nerfstudio/transforms_undistorted.json", "undistorted_images"),
    ("nerfstudio/transforms.json", "resized_images"),
)


def matches(folder: Path) -> bool:
    """Tell whether a folder has this layout: `iphone/`, `dslr/`, or the scene that holds them."""
    return _iphone(folder) is not None or _dslr(folder) is not None


def list_scannetpp(folder: Path, fps: int | float | None) -> RgbdListing:
    """List the frames of the phone, or those of the DSLR where there is no phone.

    Phone: `rgb/frame_N.jpg` (1920 x 1440), `depth/frame_N.png` (millimetres, 256 x 192, sampled at each colour pixel),
    and poses, intrinsics and times of each frame; `aligned_pose` is in the z-up world of the laser scan, where it is
    given. Frame number N is at second N / `fps` (60) where there is no time. DSLR: pictures of one a second, with
    metric poses and no depth.

    Raises:
        FileNotFoundError: pictures are not extracted.
        ValueError: a file is malformed, or no frame is whole.
    """
    phone, dslr = _iphone(folder), _dslr(folder)
    if phone is not None:
        return _list_phone(phone, fps)
    assert dslr is not None
    cameras, pictures = next(
        ((dslr / file, dslr / name) for file, name in _DSLR if (dslr / file).is_file() and (dslr / name).is_dir()),
        (None, None),
    )
    if cameras is None or pictures is None:
        raise FileNotFoundError(f"{dslr} has no pictures: need resized_images/ (or resized_undistorted_images/)")
    return replace(list_transforms(cameras, pictures, fps), metric=True, up="auto")


def _list_phone(folder: Path, fps: int | float | None) -> RgbdListing:
    if not (folder / "rgb").is_dir() or not (folder / "depth").is_dir():
        raise FileNotFoundError(
            f"{folder} has no rgb/ or depth/: extract them by 'python -m iphone.prepare_iphone_data' of the toolkit"
        )
    colour, depth = list_colour(folder / "rgb"), by_stem(list_depth(folder / "depth"))
    path = folder / _POSES
    records: dict[str, Any] = {name: record for name, record in read_json(path).items() if isinstance(record, dict)}
    whole = torch.tensor([file.stem in depth and file.stem in records for file in colour])
    frames = [records.get(file.stem, {}) for file in colour]
    listing = RgbdListing(
        colour,
        _seconds(colour, frames, fps, path),
        lambda index: _cameras([frames[i] for i in index], path),
        depth=[depth.get(file.stem, file) for file in colour],
        other_size=True,
        poses_from=path.name,
    )
    listing = keep(listing, whole, f"they have no depth, or are not in {path.name}")
    kept = [frame for frame, is_whole in zip(frames, whole.tolist(), strict=True) if is_whole]
    aligned = all("aligned_pose" in frame for frame in kept)
    key = "aligned_pose" if aligned else "pose"
    form = f"{path}: a frame has no {key} of 4x4 numbers"
    poses = numbers([frame.get(key) for frame in kept], form)
    if poses.shape[1:] != (4, 4):
        raise ValueError(form)
    return replace(listing, world_T_cam=poses.float(), up="z" if aligned else "auto")


def _seconds(
    colour: Sequence[Path], frames: Sequence[dict[str, Any]], fps: int | float | None, path: Path
) -> Float[Tensor, "time"]:
    numbered = torch.tensor([frame_number(file) for file in colour], dtype=torch.float64) / (fps or FPS)
    if fps is not None or not all("timestamp" in frame for frame in frames):
        return numbered
    return numbers([frame["timestamp"] for frame in frames], f"{path}: a timestamp is not a number")


def _cameras(frames: Sequence[dict[str, Any]], path: Path) -> Cameras:
    form = f"{path}: a frame has no intrinsic of 3x3 numbers"
    intrinsics = numbers([frame.get("intrinsic") for frame in frames], form).float()
    if intrinsics.shape[1:] != (3, 3):
        raise ValueError(form)
    return Cameras(intrinsics, path, _SIZE, resizable=True)


def _iphone(folder: Path) -> Path | None:
    return next((place for place in (folder, folder / "iphone") if (place / _POSES).is_file()), None)


def _dslr(folder: Path) -> Path | None:
    files = {file for file, _ in _DSLR}
    places = (folder, folder / "dslr")
    return next((place for place in places if any((place / file).is_file() for file in files)), None)
