"""Opening whatever a person points at: video, picture, folder of pictures, RGB-D folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scenes.clip import Clip
from scenes.readers.image_files import IMAGE_SUFFIXES, list_images
from scenes.readers.image_folder import read_image_folder
from scenes.readers.rgbd_folder import read_rgbd_folder
from scenes.readers.video import read_video


def open_clip(
    path: str | Path, frames: int | None = None, partial: bool = False, indices: Sequence[int] | None = None
) -> Clip:
    """Read the clip at `path`: `frames` frames uniformly from first to last, or `indices`, or all.

    A folder with `rgb.txt`, `color/` or `depth/` is an RGB-D folder; another one with pictures a folder of frames, one
    a second; a file with the suffix of a picture is that picture; any other file is tried as a video. Of a cut or
    damaged video the readable part is taken only if `partial` says so.

    Raises:
        FileNotFoundError: there is nothing at `path`, or a part of an RGB-D folder is missing.
        ValueError: it is none of these, or it is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: {path}")
    if path.is_dir():
        if is_rgbd_folder(path):
            return read_rgbd_folder(path, frames, indices)
        if not list_images(path):
            raise ValueError(f"{path} is no RGB-D folder (color/, depth/, trajectory.log) and holds no pictures")
        return read_image_folder(path, frames, indices)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return read_image_folder(path, frames, indices)
    return read_video(path, frames, indices, partial=partial)


def is_rgbd_folder(path: str | Path) -> bool:
    """Tell whether a folder has the parts of an RGB-D folder."""
    return any((Path(path) / part).exists() for part in ("rgb.txt", "color", "depth"))
