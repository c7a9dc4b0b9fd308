"""Open3D pinhole files: the intrinsics of one camera as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

_CENTRE = 0.5  # Open3D counts pixels from the centre of the first one; here that centre is (0.5, 0.5)


def read_pinhole(path: Path, size: tuple[int, int]) -> Float[Tensor, "3 3"]:
    """Read the intrinsics (pixels, centres at .5) of a camera whose frames have `size` (height, width).

    The file holds `intrinsic_matrix` as 9 numbers by column, and `width` and `height`.

    Raises:
        ValueError: the file is malformed, or made for another size.
    """
    try:
        camera = json.loads(path.read_text())
        columns = torch.tensor(camera["intrinsic_matrix"], dtype=torch.float32)
        intrinsics: Tensor = rearrange(columns, "(col row) -> row col", col=3, row=3).contiguous()
        made_for = camera["height"], camera["width"]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:  # einops raises a RuntimeError
        raise ValueError(f"{path} is not an Open3D pinhole file (width, height, intrinsic_matrix of 9)") from error
    if made_for != size:
        raise ValueError(f"{path} is for {made_for[1]}x{made_for[0]} pixels, but the frames are {size[1]}x{size[0]}")
    intrinsics[:2, 2] += _CENTRE
    return intrinsics


def write_pinhole(path: Path, intrinsics: Float[Tensor, "3 3"], size: tuple[int, int]) -> None:
    """Write the intrinsics (pixels, centres at .5) of a camera whose frames have `size` (height, width)."""
    shifted = intrinsics.clone()
    shifted[:2, 2] -= _CENTRE
    camera = {"width": size[1], "height": size[0], "intrinsic_matrix": shifted.T.flatten().tolist()}
    path.write_text(json.dumps(camera, indent=2) + "\n")
