"""The timestamp encoding: when each frame was taken, in closed form."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def timestamp_encoding(
    seconds: Float[Tensor, "*batch"], channels: int, base: float = 1e4, gain: float = 1.0
) -> Float[Tensor, "*batch {channels}"]:
    """Encode timestamps (seconds): p[2i] = sin(t / T^(2i/D)), p[2i+1] = cos(t / T^(2i/D)), times `gain`; no parameters.

    Source: 4D-RGPT (arXiv 2512.17012) equation 5, T = `base`.
    """
    pair = torch.arange(0, channels, 2, device=seconds.device, dtype=torch.float32)
    angle = seconds.float()[..., None] * base ** (-pair / channels)
    return gain * torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)[..., :channels]
