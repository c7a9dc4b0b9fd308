"""Opening footage of any kind: video, picture, folder of pictures, RGB-D folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scenes.clip import Clip
from scenes.readers.image_files import IMAGE_SUFFIXES
from scenes.readers.image_folder import read_image_folder
from scenes.readers.lerobot import is_lerobot, read_lerobot, split_episode
from scenes.readers.pictures.animation import read_animation
from scenes.readers.rgbd import is_rgbd_folder, read_rgbd_folder
from scenes.readers.video import Backend, read_video


def open_clip(
    path: str | Path,
    frames: int | None = None,
    partial: bool = False,
    indices: Sequence[int] | None = None,
    backend: Backend = "pyav",
    max_pixels: int | None = None,
) -> Clip:
    """Read the clip at `path`: `frames` frames uniformly from first to last, or `indices`, or all.

    A folder with one of the layouts of `read_rgbd_folder` is an RGB-D folder. DATASET#EPISODE[:CAMERA] is an episode
    of a LeRobot data set. Any other folder with pictures is a sequence of frames, one a second. A file with the suffix
    of a picture is one frame, with the camera of its EXIF data where that tells one. Every other file is read as a
    video, of which `partial` allows a cut or damaged one. `backend` decodes the pixels of a video. Its frames are
    scaled down where they have more than `max_pixels` together.

    Raises:
        FileNotFoundError: `path` does not exist, a folder has no pictures, or a part of an RGB-D folder is missing.
        ImportError: the backend is not installed.
        ValueError: `path` is none of these, or it is damaged.
    """
    path, episode, camera = split_episode(Path(path))
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: {path}")
    if path.is_dir():
        if is_lerobot(path):
            return read_lerobot(path, frames, indices, episode, camera)
        if is_rgbd_folder(path):
            return read_rgbd_folder(path, frames, indices)
        return read_image_folder(path, frames, indices)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return read_animation(path, frames, indices)
    return read_video(path, frames, indices, backend, partial, max_pixels)
