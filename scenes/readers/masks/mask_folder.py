"""A folder of masks, one picture a frame (DAVIS, SAM 2): paired with the frames of a clip by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from scenes.readers.image_files import list_images
from scenes.readers.masks.mask_file import refuse_size
from scenes.readers.masks.mask_picture import LISTED, listed, read_mask_picture


def read_mask_folder(
    folder: Path, frame_names: Sequence[str], height: int, width: int, label: int | None = None
) -> dict[int, Bool[Tensor, "height width"]]:
    """Read the masks of one object: frame index -> mask, for the frames that show it.

    A mask belongs to the frame of its name (without suffix), or of its number: `00012.png` to frame 12 of a video. A
    frame may lack a mask, and a mask may lack the object. As many masks as frames, counted from 0 or 1, could also be
    those of the frames in their order; they are refused unless numbers and order agree.

    Args:
        folder: the pictures.
        frame_names: names or numbers of the frames of the clip.
        height: of the frames, pixels.
        width: of the frames, pixels.
        label: which of several objects.

    Raises:
        FileNotFoundError: the folder holds no picture.
        ValueError: no mask belongs to a frame, masks could pair by number or by order, a mask cannot be used, the label
            is nowhere, or there are several objects and none is chosen.
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
    _refuse_counted(folder, files, frame_names, found)
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


def _refuse_counted(folder: Path, files: Sequence[Path], frame_names: Sequence[str], found: Mapping[int, Path]) -> None:
    """Refuse masks that count the frames that are used, where the frames have other numbers."""
    numbers = [_number(path.stem) for path in files]
    in_order = [found.get(frame) for frame in range(len(frame_names))] == list(files)
    counted = any(numbers == list(range(first, first + len(frame_names))) for first in (0, 1))
    if counted and not in_order:
        raise ValueError(
            f"mask folder '{folder}' has masks {numbers[0]} to {numbers[-1]}, as many as frames are used, but these "
            f"are frames {', '.join(frame_names[:LISTED])}{', ...' if len(frame_names) > LISTED else ''}; name each "
            f"mask as its frame, as in {frame_names[-1]}.png, or give each by --mask K:FILE@FRAME"
        )


def _number(name: str) -> int | None:
    """Read the number at the end of a name."""
    digits = re.search(r"\d+$", name)
    return int(digits[0]) if digits else None
