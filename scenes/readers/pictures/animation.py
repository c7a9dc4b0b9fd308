"""One picture file as a clip: GIF, WebP, APNG and AVIF may hold many frames, other formats hold one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from scenes.clip import Clip
from scenes.readers.frame_choice import choose_frames
from scenes.readers.pictures.colours import to_rgb
from scenes.readers.pictures.focal_length import exif_intrinsics
from scenes.readers.pictures.opening import ANIMATED, decoding, open_picture

SHORTEST_MS, DEFAULT_MS = 10.0, 100.0  # browsers show frames of at most 10 ms for 100 ms


def read_animation(path: Path, frames: int | None = None, indices: Sequence[int] | None = None) -> Clip:
    """Read the frames of a picture file: `frames` of them uniformly from first to last, or `indices`, or all.

    Frames are whole pictures, drawn over each other as a browser does. A frame begins where the durations before it
    end; a duration of at most 10 ms counts as 100 ms, as in browsers. The default picture of an APNG that is not part
    of its animation is left out. The clip has the second at which each frame begins, the camera that EXIF data tell
    (see `exif_intrinsics`), and the numbers of the frames as their names.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ImportError: the file is HEIC, and the extra "heic" is not installed.
        ValueError: the file is not a picture, is damaged, or has no frame of an index.
    """
    with open_picture(path, animated=True) as image:
        many = image.format in ANIMATED
        first = int(many and getattr(image, "default_image", False))
        count = getattr(image, "n_frames", 1) - first if many else 1
        chosen = choose_frames(count, frames, indices, path)
        intrinsics = exif_intrinsics(image)
        video: Tensor | None = None
        durations: list[float] = []
        for index in range(max(chosen) + 1):
            if count > 1 or first:
                with decoding(path):
                    image.seek(first + index)
                    image.load()
            durations.append(_duration(image))
            if index in chosen:
                rgb = to_rgb(image, path)
                video = rgb.new_empty(len(chosen), *rgb.shape) if video is None else video
                video[torch.tensor(chosen) == index] = rgb
    assert video is not None
    begins = [0.0, *accumulate(durations)]
    return Clip(
        video,
        torch.tensor([begins[i] / 1000 for i in chosen]),
        intrinsics=None if intrinsics is None else intrinsics.expand(len(chosen), 3, 3),
        name=path.stem,
        frame_names=tuple(map(str, chosen)),
    )


def _duration(image: Image.Image) -> float:
    """Tell how long a frame is shown, in milliseconds."""
    duration = float(image.info.get("duration") or 0)
    return duration if duration > SHORTEST_MS else DEFAULT_MS
