"""The scale token: how large the scene is that was normalised to [-1, 1]."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from models.sr3d.encodings.position_encoding import sinusoids

FREQUENCIES = 8
LOWEST, HIGHEST = math.pi / 8, 8 * math.pi  # radians per e-fold: unambiguous over e^8, a tenth of an e-fold is 2.5 rad


class ScaleEncoding(nn.Module):
    """Embed the recorded scene scale (metres per canonical unit) as one token; its bias is the token of no scale.

    Added to a trained model, it starts `silent`: its token is zero, whatever the scale.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * FREQUENCIES, channels)

    @torch.no_grad()
    def silence(self) -> None:
        """Set the token to zero."""
        self.linear.weight.zero_()
        self.linear.bias.zero_()

    def forward(self, scale: Float[Tensor, "sample"], known: Bool[Tensor, "sample"]) -> Float[Tensor, "sample channel"]:
        """Encode log(scale)."""
        log_scale = torch.where(known, scale, torch.ones_like(scale)).log()
        code = sinusoids(log_scale[:, None], FREQUENCIES, LOWEST, HIGHEST)
        token: Tensor = self.linear((code * known[:, None]).to(self.linear.weight.dtype))
        return token
