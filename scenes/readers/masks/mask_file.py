"""A mask of one frame in a file: a picture, or the JSON of COCO."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from scenes.readers.masks.coco import read_coco
from scenes.readers.masks.mask_picture import read_mask_picture


def read_mask(path: Path, height: int, width: int, label: int | None = None) -> Bool[Tensor, "height width"]:
    """Read the mask of one object, of the size of its frame, upright as its EXIF orientation says.

    A `.json` holds COCO annotations (`read_coco`), any other file is a picture (`MaskPicture`). `label` chooses one of
    several objects: a value of the picture, or the id of an annotation.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is not a mask, has another size than the frame, lacks the label, or holds several objects
            and no label is given.
    """
    if not path.exists():
        raise FileNotFoundError(f"no mask picture '{path}'")
    if path.suffix.lower() == ".json":
        return torch.from_numpy(read_coco(path, height, width, label))
    picture = read_mask_picture(path)
    refuse_size(path, picture.values, height, width)
    return torch.from_numpy(picture.of_one_object(label))


def refuse_size(path: Path, mask: Shaped[np.ndarray, "_ _"], height: int, width: int) -> None:
    """Raise ValueError where a mask has another size than its frame."""
    mask_height, mask_width = mask.shape
    if (mask_height, mask_width) == (height, width):
        return
    turned = "; turn it as the picture is turned" if (mask_width, mask_height) == (height, width) else ""
    raise ValueError(
        f"a mask must have the size of its frame; '{path}' is {mask_width}x{mask_height}, expected {width}x{height}"
        f"{turned}"
    )
