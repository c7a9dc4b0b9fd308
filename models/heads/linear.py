"""The simplest dense head: every token predicts the pixels of its own cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


class LinearHead(nn.Module):
    """Predict `outputs` maps from the tokens of the last depth by one linear layer, as raw values.

    A token predicts `subpixels` x `subpixels` values per map, which are resized bilinearly to the requested size. Apart
    from that, tokens are not mixed, so that the head can only read what each token holds: the lowest probe capacity.

    Args:
        channels: channels of a token.
        outputs: maps per frame.
        subpixels: values that a token predicts along each side of its cell.
    """

    def __init__(self, channels: int, outputs: int, subpixels: int = 4) -> None:
        super().__init__()
        self.subpixels = subpixels
        self.norm = nn.LayerNorm(channels)
        self.read = nn.Linear(channels, outputs * subpixels**2)

    def forward(
        self, layers: Sequence[Float[Tensor, "image rows cols channel"]], size: tuple[int, int]
    ) -> Float[Tensor, "image output height width"]:
        """Predict maps of `size` (height, width)."""
        k = self.subpixels
        maps = rearrange(self.read(self.norm(layers[-1])), "n r c (o y x) -> n o (r y) (c x)", y=k, x=k)
        return maps if maps.shape[-2:] == size else F.interpolate(maps, size, mode="bilinear", align_corners=False)
