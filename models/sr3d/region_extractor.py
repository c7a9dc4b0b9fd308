"""From masks to one token a region."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from models.regions import RegionMasks, pool_regions


class RegionExtractor(nn.Module):
    """Pool vision features, positions included, under each region's masks, and project to one token of the LLM.

    Source: SR-3D (arXiv 2509.13317) section 3.2 and Figure 2; the projector Linear-GELU-Linear is ours.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        mode: Literal["pixel", "frame_mean"] = "pixel",
        hidden: int | None = None,
    ) -> None:
        super().__init__()
        self.mode: Literal["pixel", "frame_mean"] = mode
        self.projector = nn.Sequential(
            nn.Linear(channels, hidden or width), nn.GELU(), nn.Linear(hidden or width, width)
        )

    def forward(
        self, features: Float[Tensor, "tile rows cols channel"], masks: RegionMasks
    ) -> Float[Tensor, "region hidden"]:
        """Pool and project."""
        tokens: Tensor = self.projector(pool_regions(features, masks, self.mode))
        return tokens
