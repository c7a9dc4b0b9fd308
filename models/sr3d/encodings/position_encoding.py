"""The 3D position encoding of SR-3D: canonical points to features that are added to vision tokens."""

from __future__ import annotations

import math

import torch
from einops import reduce
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import gelu

MIN_FREQUENCY = math.pi / 2  # radians per canonical unit: one half turn spans [-1, 1]


def sinusoids(
    x: Float[Tensor, "*batch axis"], count: int, low: float, high: float
) -> Float[Tensor, "*batch axis*2*{count}"]:
    """Encode each coordinate by sines and cosines of `count` geometric frequencies from low to high, in float32."""
    frequencies = torch.linspace(math.log(low), math.log(high), count, device=x.device).exp()
    angle = x.float()[..., None] * frequencies
    return torch.cat([angle.sin(), angle.cos()], -1).flatten(-2)


class ZeroLinear(nn.Linear):
    """A linear layer that starts at zero."""

    def reset_parameters(self) -> None:
        """Set weight and bias to zero."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


class PositionEncoding3D(nn.Module):
    """Sinusoids of canonical points, then a point-wise MLP whose last layer starts at zero.

    So an untrained SR-3D equals the 2D model that it was made from. With the default number of frequencies, a sixth of
    the width, the sinusoids are as wide as the features; width 1152 gives 2,656,512 parameters.
    Source: SR-3D (arXiv 2509.13317) section 3.1; dimensions and frequencies are ours.
    """

    def __init__(
        self,
        channels: int,
        frequencies: int | None,
        max_frequency: float,
        oversample: int = 1,
        hidden: int | None = None,
    ) -> None:
        super().__init__()
        self.frequencies = frequencies or channels // 6
        self.max_frequency = max_frequency
        self.oversample = oversample
        self.first = nn.Linear(6 * self.frequencies, hidden or channels)
        self.last = ZeroLinear(hidden or channels, channels)

    def encode(
        self, points: Float[Tensor, "*batch 3"], valid: Bool[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch channel"]:
        """Encode canonical points one by one; an invalid point gives zero, as if there were no encoding."""
        angles = sinusoids(points, self.frequencies, MIN_FREQUENCY, self.max_frequency)
        code: Tensor = self.last(gelu(self.first(angles.to(self.first.weight.dtype))))
        return torch.where(valid[..., None], code, torch.zeros_like(code))

    def forward(
        self, points: Float[Tensor, "tile fine_rows fine_cols 3"], valid: Bool[Tensor, "tile fine_rows fine_cols"]
    ) -> Float[Tensor, "tile rows cols channel"]:
        """Encode a grid of canonical points, and average the valid codes in each token's cell of it."""
        code = self.encode(points, valid)
        if self.oversample == 1:
            return code
        cells = {"a": self.oversample, "b": self.oversample}
        total: Tensor = reduce(code, "t (r a) (c b) d -> t r c d", "sum", **cells)
        known = reduce(valid.to(total.dtype), "t (r a) (c b) -> t r c 1", "sum", **cells)
        mean: Tensor = total / known.clamp_min(1)
        return mean
