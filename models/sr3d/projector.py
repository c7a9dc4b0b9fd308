"""From vision features to tokens of the language model."""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor, nn


class Pool(nn.Module):
    """Average factor x factor features; sizes are padded to a multiple with zeros."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, features: Float[Tensor, "tile rows cols channel"]) -> Float[Tensor, "tile rows2 cols2 channel"]:
        """Average."""
        padded = pad_to_multiple(features, self.factor)
        mean: Tensor = reduce(padded, "t (r a) (c b) d -> t r c d", "mean", a=self.factor, b=self.factor)
        return mean


class SpaceToChannel(nn.Module):
    """Stack factor x factor features into channels, row by row; sizes are padded to a multiple with zeros.

    With `columns`, the stacks are listed column by column: rows and columns of the result are swapped.
    """

    def __init__(self, factor: int, columns: bool = False) -> None:
        super().__init__()
        self.factor = factor
        self.pattern = "t (r a) (c b) d -> t c r (a b d)" if columns else "t (r a) (c b) d -> t r c (a b d)"

    def forward(self, features: Float[Tensor, "tile rows cols channel"]) -> Float[Tensor, "tile rows2 cols2 channel2"]:
        """Stack."""
        padded = pad_to_multiple(features, self.factor)
        stacked: Tensor = rearrange(padded, self.pattern, a=self.factor, b=self.factor)
        return stacked


def pad_to_multiple(
    features: Float[Tensor, "tile rows cols channel"], factor: int
) -> Float[Tensor, "tile rows2 cols2 channel"]:
    """Pad rows and columns at the end with zeros to multiples of `factor`."""
    rows, cols = features.shape[1:3]
    return F.pad(features, (0, 0, 0, -cols % factor, 0, -rows % factor))


def projector(kind: str, channels: int, width: int, factor: int = 1) -> nn.Sequential:
    """Build the map from (tile, rows, cols, channels) features to (tile, rows2, cols2, width) tokens.

    "downsample_2x2" and "downsample_3x3" have the layers of VILA's `mlp_downsample_2x2_fix` and
    `mlp_downsample_3x3_fix` in their order: `layers.N` there is N here. "downsample_2x2_columns" is `mlp_downsample` as
    VILA 1.5 had it, which lists tokens column by column.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind == "linear":
        return nn.Sequential(nn.Linear(channels, width))
    if kind == "mlp":
        return nn.Sequential(nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width))
    if kind == "pool":
        return nn.Sequential(Pool(factor), nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width))
    if kind in ("downsample_2x2", "downsample_2x2_columns"):
        return nn.Sequential(
            SpaceToChannel(2, columns=kind == "downsample_2x2_columns"),
            nn.LayerNorm(4 * channels),
            nn.Linear(4 * channels, width),
            nn.GELU(),
            nn.Linear(width, width),
        )
    if kind == "downsample_3x3":
        return nn.Sequential(
            SpaceToChannel(3),
            nn.LayerNorm(9 * channels),
            nn.Linear(9 * channels, 3 * channels),
            nn.GELU(),
            nn.LayerNorm(3 * channels),
            nn.Linear(3 * channels, width),
            nn.GELU(),
            nn.Linear(width, width),
        )
    raise ValueError(f"unknown projector {kind!r}")
