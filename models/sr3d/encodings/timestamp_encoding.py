"""The timestamp encoding: when each frame was taken, in closed form."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def timestamp_encoding(
    seconds: Float[Tensor, "*batch"],
    channels: int,
    base: float = 1e4,
    gain: float = 1.0,
    frequency: float = 1.0,
    log_from: float | None = None,
) -> Float[Tensor, "*batch {channels}"]:
    """Encode timestamps (seconds): p[2i] = sin(t / T^(2i/D)), p[2i+1] = cos(t / T^(2i/D)), times `gain`; no parameters.

    Source: 4D-RGPT (arXiv 2512.17012) equation 5, T = `base`. Its highest frequency is 1 rad/s, so frames .05 s apart
    hardly differ; the other two arguments are ours.

    Args:
        seconds: timestamps.
        channels: D.
        base: T, the ratio of the highest frequency to the lowest.
        gain: amplitude.
        frequency: the highest one, in radians per unit of t.
        log_from: encode t = ln(1 + seconds / `log_from`), in which times k times as long are a step of ln(k) apart.
    """
    pair = torch.arange(0, channels, 2, device=seconds.device, dtype=torch.float32)
    time = seconds.float() if log_from is None else torch.log1p(seconds.float() / log_from)
    angle = time[..., None] * frequency * base ** (-pair / channels)
    return gain * torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)[..., :channels]
