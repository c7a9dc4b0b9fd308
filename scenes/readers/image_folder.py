"""Pictures without geometry: one file, or a folder of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from scenes.clip import Clip
from scenes.readers.frame_choice import choose_frames
from scenes.readers.image_files import list_images, read_image, stack_pictures


def read_image_folder(
    path: str | Path, frames: int | None = None, indices: Sequence[int] | None = None, fps: int | float = 1
) -> Clip:
    """Read a folder of pictures in natural order (frame2 before frame10), or one picture as a clip of one frame.

    Frame i is shown at second i / `fps`: pictures carry no times, so one a second unless `fps` says better. EXIF
    orientation is applied. `frames` are chosen uniformly from first to last, or `indices`, or all.

    Raises:
        FileNotFoundError: `path` does not exist, or holds no picture.
        ValueError: a picture cannot be read or differs in size from the first, or an index is out of range.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such picture or folder of pictures: {path}")
    pictures = list_images(path) if path.is_dir() else [path]
    if not pictures:
        raise FileNotFoundError(f"{path} holds no pictures")
    chosen = choose_frames(len(pictures), frames, indices, path)
    video = stack_pictures([(pictures[i], read_image(pictures[i])) for i in chosen])
    return Clip(video, torch.tensor(chosen) / fps, name=path.stem)
