"""What tasks of lmms-eval show a model, as a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from scenes.clip import Clip
from scenes.readers.open_clip import open_clip


def open_visuals(visuals: Sequence[Any], frames: int) -> Clip:
    """Open a video, of which `frames` frames are taken uniformly, or pictures, one a second and as large as the first.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: there is nothing, several videos, or something else.
    """
    if len(visuals) == 1 and isinstance(visuals[0], str | Path):
        return open_clip(visuals[0], frames)
    if not visuals or not all(isinstance(each, Image.Image) for each in visuals):
        kinds = ", ".join(type(each).__name__ for each in visuals) or "nothing"
        raise ValueError(f"region4d sees one video or a list of pictures; the task shows {kinds}")
    size = visuals[0].size
    alike = [each if each.size == size else each.resize(size) for each in (one.convert("RGB") for one in visuals)]
    video = torch.from_numpy(np.stack([np.asarray(each) for each in alike])).permute(0, 3, 1, 2).contiguous()
    return Clip(video, torch.arange(len(visuals), dtype=torch.float))
