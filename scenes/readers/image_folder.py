"""Pictures without geometry: one file, or a folder of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from scenes.clip import Clip
from scenes.readers.frame_choice import choose_frames
from scenes.readers.image_files import list_images, read_images
from scenes.readers.pictures.animation import read_animation


def read_image_folder(
    path: str | Path, frames: int | None = None, indices: Sequence[int] | None = None, fps: int | float = 1
) -> Clip:
    """Read a folder of pictures in natural order (frame2 before frame10), or one picture file.

    Frame i of a folder is shown at second i / `fps`: pictures carry no times, so one a second unless `fps` says better.
    A file is a clip of one frame, or of the frames of an animation (GIF, WebP, APNG, AVIF) at their own times, with the
    camera of its EXIF data where that tells one. EXIF orientation is applied. `frames` are chosen uniformly from first
    to last, or `indices`, or all. The clip's `frame_names` are the stems of the files, or the numbers of an
    animation's frames.

    Raises:
        FileNotFoundError: `path` does not exist, or holds no picture.
        ImportError: a picture is HEIC, and the extra "heic" is not installed.
        ValueError: a picture cannot be read or differs in size from the first, or an index is out of range.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such picture or folder of pictures: {path}")
    if not path.is_dir():
        return read_animation(path, frames, indices)
    pictures = list_images(path)
    if not pictures:
        raise FileNotFoundError(
            f"{path} holds no pictures and is not an RGB-D folder (color/, depth/, trajectory.log); give a video, a "
            "picture, or one of these folders"
        )
    chosen = choose_frames(len(pictures), frames, indices, path)
    video = read_images([pictures[i] for i in chosen])
    names = tuple(pictures[i].stem for i in chosen)
    return Clip(video, torch.tensor(chosen) / fps, name=path.stem, frame_names=names)
