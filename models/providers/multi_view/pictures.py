"""Pictures at the resolution of a network, and its maps back at that of the frames."""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor


def network_size(height: int, width: int, side: int, patch: int) -> tuple[int, int]:
    """Choose the (height, width) of a picture whose longer side has `side` pixels, each a multiple of `patch`."""
    scale = side / max(height, width)
    rows, cols = (max(1, round(length * scale / patch)) * patch for length in (height, width))
    return rows, cols


def resized(frame: UInt8[Tensor, "3 height width"], size: tuple[int, int]) -> Float[Tensor, "3 rows cols"]:
    """Resize a frame by an antialiased cubic, to values of 0 to 1."""
    pixels = F.interpolate(frame[None].float() / 255, size, mode="bicubic", antialias=True, align_corners=False)
    return pixels[0].clamp(0, 1)


def nearest(maps: Float[Tensor, "time _ _"], size: tuple[int, int]) -> Float[Tensor, "time height width"]:
    """Resize maps by their nearest pixel, so that nothing floats between two surfaces."""
    one_channel = rearrange(maps, "time rows cols -> time 1 rows cols")
    larger: Tensor = rearrange(
        F.interpolate(one_channel, size, mode="nearest-exact"), "time 1 rows cols -> time rows cols"
    )
    return larger
