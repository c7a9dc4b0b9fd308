"""The masks of regions as pictures: a folder for each region, which `--mask K:FOLDER` reads back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn.functional import interpolate

from scenes.clip import Clip
from scenes.readers.image_files import write_mask
from scenes.storage.atomic import new_folder


def save_masks(folder: Path, clip: Clip, regions: Sequence[Mapping[int, Bool[Tensor, "height width"]]]) -> None:
    """Write `regionK/FRAME.png` (0, 255) for every frame, in pixels of the file, all or nothing; black is no region.

    A frame has the name that it has in its source, or its number among those that are used.

    Raises:
        FileExistsError: `folder` exists.
    """
    names = [Path(name).name for name in clip.frame_names] or [f"{frame:05d}" for frame in range(len(clip))]
    nothing = torch.zeros(*clip.size, dtype=torch.bool)
    with new_folder(folder) as draft:
        for k, masks in enumerate(regions):
            (draft / f"region{k}").mkdir()
            for frame, name in enumerate(names):
                mask = masks.get(frame, nothing)
                if clip.full_size is not None:
                    mask = interpolate(mask[None, None].float(), clip.full_size, mode="nearest")[0, 0] > 0
                write_mask(draft / f"region{k}" / f"{name}.png", mask)
