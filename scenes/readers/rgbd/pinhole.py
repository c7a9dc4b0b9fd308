"""Open3D pinhole files: the intrinsics of one camera as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from scenes.clip_checks import check_focal
from scenes.readers.rgbd.text import numbers, read_json, whole_number

_CENTRE = 0.5  # Open3D counts pixels from the centre of the first one; here that centre is (0.5, 0.5)


def read_pinhole(path: Path, size: tuple[int, int]) -> Float[Tensor, "3 3"]:
    """Read the intrinsics (pixels, centres at .5) of a camera whose frames have `size` (height, width).

    The file holds `intrinsic_matrix` as 9 numbers by column, and `width` and `height`.

    Raises:
        ValueError: the file is malformed, or made for another size, or its focal length cannot be in pixels.
    """
    intrinsics, made_for = load_pinhole(path)
    if made_for != size:
        raise ValueError(f"{path} is for {made_for[1]}x{made_for[0]} pixels, but the frames are {size[1]}x{size[0]}")
    check_focal(intrinsics, size, str(path))
    return intrinsics


def load_pinhole(path: Path) -> tuple[Float[Tensor, "3 3"], tuple[int, int]]:
    """Read the intrinsics (pixels, centres at .5) of a camera, and the size (height, width) that they are for.

    Raises:
        ValueError: the file is malformed.
    """
    form = f"{path} is not an Open3D pinhole file (width, height, intrinsic_matrix of 9)"
    camera = read_json(path)
    try:
        columns = numbers(camera["intrinsic_matrix"], form)
        height, width = numbers([camera["height"], camera["width"]], form).tolist()  # some writers quote them
    except KeyError as error:
        raise ValueError(form) from error
    made_for = whole_number(height, form), whole_number(width, form)
    if columns.shape != (9,):
        raise ValueError(form)
    intrinsics: Tensor = rearrange(columns.float(), "(col row) -> row col", col=3).contiguous()
    intrinsics[:2, 2] += _CENTRE
    return intrinsics, made_for


def write_pinhole(path: Path, intrinsics: Float[Tensor, "3 3"], size: tuple[int, int]) -> None:
    """Write the intrinsics (pixels, centres at .5) of a camera whose frames have `size` (height, width)."""
    shifted = intrinsics.clone()
    shifted[:2, 2] -= _CENTRE
    camera = {"width": size[1], "height": size[0], "intrinsic_matrix": shifted.T.flatten().tolist()}
    path.write_text(json.dumps(camera, indent=2) + "\n")
