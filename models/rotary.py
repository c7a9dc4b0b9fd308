"""Rotary positions of tokens that lie on a grid."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

FREQUENCY = 100.0  # base of the rotary positions


def rotate(
    x: Float[Tensor, "batch head token channel"], positions: Int64[Tensor, "batch token 2"]
) -> Float[Tensor, "batch head token channel"]:
    """Rotate pairs of channels by angles that grow with position: the first half by rows, the second by columns.

    Source: RoPE (arXiv 2104.09864), in two dimensions as in CroCo v2 (arXiv 2211.10408), base 100.
    """
    half = x.shape[-1] // 2
    inverse = FREQUENCY ** -(torch.arange(0, half, 2, device=x.device, dtype=torch.float32) / half)
    turned = []
    for part, index in zip(x.split(half, -1), positions.unbind(-1), strict=True):
        angle = (index[..., None] * inverse)[:, None]
        cos, sin = angle.cos().to(x), angle.sin().to(x)
        a, b = part.chunk(2, -1)
        turned += [a * cos - b * sin, b * cos + a * sin]
    return torch.cat(turned, -1)
