"""Where in the image a feature is, for encoders that do not say."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.sr3d.encodings.position_encoding import MIN_FREQUENCY, sinusoids

FREQUENCIES, HIGHEST = 6, 8 * math.pi


class GridEncoding(nn.Module):
    """Add a linear map of sinusoids of (row, column) to a feature map.

    Vision transformers carry image positions of their own. A convolutional encoder has none, and a pooled region would
    not know where in the image it lies: the 2D model could not use "lower in the image is nearer".
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(4 * FREQUENCIES, channels)

    def forward(self, features: Float[Tensor, "tile rows cols channel"]) -> Float[Tensor, "tile rows cols channel"]:
        """Add the code of every cell centre, counted from -1 to 1 along both axes."""
        axes = [(torch.arange(n, device=features.device) + 0.5) * 2 / n - 1 for n in features.shape[1:3]]
        centres = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
        code = sinusoids(centres, FREQUENCIES, MIN_FREQUENCY, HIGHEST)
        positions: Tensor = self.linear(code.to(self.linear.weight.dtype))
        return features + positions.to(features.dtype)
