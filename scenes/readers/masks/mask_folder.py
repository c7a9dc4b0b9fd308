"""A folder of masks, one picture a frame (DAVIS, SAM 2): paired with the frames of a clip by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from scenes.readers.image_files import list_images
from scenes.readers.masks.mask_file import refuse_size
from scenes.readers.masks.mask_picture import listed, read_mask_picture


def read_mask_folder(
    folder: Path, frame_names: Sequence[str], height: int, width: int, label: int | None = None
) -> dict[int, Bool[Tensor, "height width"]]:
    """Read the masks of one object: frame index -> mask, for the frames that show it.

    A mask belongs to the frame of its name (without suffix), or of its number: `00012.png` to frame 12 of a video. A
    frame may lack a mask, and a mask may lack the object.

    Args:
        folder: the pictures.
        frame_names: names or numbers of the frames of the clip.
        height: of the frames, pixels.
        width: of the frames, pixels.
        label: which of several objects.

    Raises:
        FileNotFoundError: the folder holds no picture.
        ValueError: no mask belongs to a frame, a mask cannot be used, the label is nowhere, or there are several
            objects and none is chosen.
    """
    files = list_images(folder)
    if not files:
        raise FileNotFoundError(f"mask folder '{folder}' holds no pictures")
    found = _pair(files, frame_names)
    if not found:
        raise ValueError(
            f"mask folder '{folder}' has {files[0].name}, ..., but the frames are called {frame_names[0]}, ...; name "
            "each mask as its frame"
        )
    masks: dict[int, Tensor] = {}
    labels: set[int] = set()
    for frame, path in found.items():
        picture = read_mask_picture(path)
        refuse_size(path, picture.values, height, width)
        if label is None and picture.soft:
            mask = picture.of_one_object()
        else:
            labels |= set(picture.labels)
            mask = picture.values != 0 if label is None else picture.values == label
        if mask.any():
            masks[frame] = torch.from_numpy(mask)
    if label is None and len(labels) > 1:
        raise ValueError(
            f"mask folder '{folder}' holds {len(labels)} objects, labels {listed(sorted(labels))}; choose one, as in "
            f"{folder.name}#{min(labels)}"
        )
    if not masks:
        what = "marks no pixel" if label is None else f"has labels {listed(sorted(labels))}, but no {label},"
        raise ValueError(f"mask folder '{folder}' {what} in the {len(found)} frames that are used")
    return masks


def _pair(files: Sequence[Path], frame_names: Sequence[str]) -> dict[int, Path]:
    """Find the mask of each frame, by its name or else by its number."""
    by_name = {path.stem: path for path in files}
    by_number = {_number(path.stem): path for path in reversed(files)}
    found = {}
    for frame, name in enumerate(frame_names):
        path = by_name.get(name) or (None if _number(name) is None else by_number.get(_number(name)))
        if path is not None:
            found[frame] = path
    return found


def _number(name: str) -> int | None:
    """Read the number at the end of a name."""
    digits = re.search(r"\d+$", name)
    return int(digits[0]) if digits else None
