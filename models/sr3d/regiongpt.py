"""RegionGPT's region extractor, as in SpatialRGPT: finer features, and a token a region from each of two pictures.

Source: SpatialRGPT (arXiv 2406.01584) section 3.2; github.com/AnjieCheng/SpatialRGPT.
"""

from __future__ import annotations

import logging

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from models.regions import RegionMasks
from models.sr3d.config import REGIONGPT_GRID

log = logging.getLogger(__name__)


class RegionGPTExtractor(nn.Module):
    """Refines the tower's features fourfold, and pools them under masks that are resized to them.

    The projector of the visual tokens takes the refined features too, averaged to 27 x 27 (`coarse`). A depth
    picture is pooled as the tower gives it. A region lies on one picture.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.feature_refinement_module = nn.Sequential(
            nn.ConvTranspose2d(channels, channels, 2, 2),
            ChannelNorm(channels, eps=1e-6),
            nn.GELU(),
            nn.ConvTranspose2d(channels, channels, 2, 2),
            nn.GELU(),
        )
        self.rgb_projector = nn.Linear(channels, width)
        self.depth_projector = nn.Linear(channels, width)

    def refine(
        self, features: Float[Tensor, "tile rows cols channel"]
    ) -> Float[Tensor, "tile fine_rows fine_cols channel"]:
        """Refine the features of a tower to four times as many rows and columns."""
        refined = self.feature_refinement_module(rearrange(features, "t r c d -> t d r c"))
        fine: Tensor = rearrange(refined, "t d r c -> t r c d")
        return fine

    def coarse(
        self, fine: Float[Tensor, "tile fine_rows fine_cols channel"]
    ) -> Float[Tensor, "tile grid grid channel"]:
        """Average refined features to what the projector of the visual tokens takes."""
        mean = F.adaptive_avg_pool2d(rearrange(fine, "t r c d -> t d r c"), REGIONGPT_GRID)
        coarse: Tensor = rearrange(mean, "t d r c -> t r c d")
        return coarse

    def forward(
        self, fine: Float[Tensor, "tile fine_rows fine_cols channel"], masks: RegionMasks
    ) -> Float[Tensor, "region hidden"]:
        """Make the token of each region from refined features of the picture."""
        tokens: Tensor = self.rgb_projector(pool_resized(fine, masks))
        return tokens

    def depth_tokens(
        self, features: Float[Tensor, "tile rows cols channel"], masks: RegionMasks
    ) -> Float[Tensor, "region hidden"]:
        """Make the second token of each region from features of the depth picture, not refined."""
        tokens: Tensor = self.depth_projector(pool_resized(features, masks))
        return tokens


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (tile, channel, rows, cols)."""

    def forward(self, x: Float[Tensor, "tile channel rows cols"]) -> Float[Tensor, "tile channel rows cols"]:
        """Normalise."""
        normed: Tensor = rearrange(super().forward(rearrange(x, "t d r c -> t r c d")), "t r c d -> t d r c")
        return normed


def pool_resized(
    features: Float[Tensor, "tile rows cols channel"], masks: RegionMasks
) -> Float[Tensor, "region channel"]:
    """Average features under masks that are resized to them bilinearly, without antialiasing.

    A mask that vanishes by that gives zeros, as in the published code, and is logged.

    Raises:
        ValueError: a region does not lie on exactly one picture.
    """
    order = masks.region.argsort()
    if masks.region[order].tolist() != list(range(len(masks.names))):
        raise ValueError("SpatialRGPT points at regions of one picture: mark each region on one frame")
    size = features.shape[1:3]
    weights = F.interpolate(masks.masks[order, None].float(), size=size, mode="bilinear")[:, 0].to(features.dtype)
    area = weights.sum((1, 2))
    if small := [name for name, one in zip(masks.names, area.tolist(), strict=True) if one == 0]:
        log.warning("%s: too small for %d x %d features, nothing is pooled", ", ".join(small), *size)
    pooled = (features[masks.tile[order]] * weights[..., None]).sum((1, 2))
    return pooled / (area + 1e-8)[:, None]
