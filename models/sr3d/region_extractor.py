"""From masks to one token a region."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.regions import RegionMasks, pool_regions

RegionPool = Literal["pixel", "frame_mean", "trajectory"]


class RegionExtractor(nn.Module):
    """Pool vision features, positions included, under each region's masks, and project to one token of the LLM.

    "pixel" and "frame_mean" pool all frames together (see `pool_regions`): where things are, not how they move.
    "trajectory" takes the first frame that shows the region and the last one: the token is that of the first, plus a
    second projection of what has changed until the last. It takes every entry of a region for a frame, so pictures
    must not be cut into tiles; what happens between the two frames is left to the visual tokens.
    Source: SR-3D (arXiv 2509.13317) section 3.2 and Figure 2; the projector Linear-GELU-Linear and "trajectory" are
    ours (specs/tiny_4d.md, trap 3: one projection of all frames at once stayed at chance).
    """

    def __init__(self, channels: int, width: int, mode: RegionPool = "pixel", hidden: int | None = None) -> None:
        super().__init__()
        self.mode: RegionPool = mode
        hidden = hidden or width

        def mlp() -> nn.Sequential:
            return nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, width))

        self.projector = mlp()
        self.change = mlp() if mode == "trajectory" else None

    def forward(
        self, features: Float[Tensor, "tile rows cols channel"], masks: RegionMasks
    ) -> Float[Tensor, "region hidden"]:
        """Pool and project."""
        if self.mode == "trajectory":
            return self._trajectories(features, masks)
        tokens: Tensor = self.projector(pool_regions(features, masks, self.mode))
        return tokens

    def _trajectories(
        self, features: Float[Tensor, "tile rows cols channel"], masks: RegionMasks
    ) -> Float[Tensor, "region hidden"]:
        assert self.change is not None
        regions = len(masks.names)
        shown = torch.bincount(masks.region, minlength=regions)
        if empty := [name for name, count in zip(masks.names, shown.tolist(), strict=True) if not count]:
            raise ValueError(
                f"cannot pool {', '.join(empty)}: the mask is empty on all frames; mark at least one pixel"
            )
        first, last = (self._at(features, masks, reduce) for reduce in ("amin", "amax"))
        change: Tensor = self.change(last - first)
        seen_again = (shown > 1)[:, None]  # a region of one frame has the token of that frame
        tokens: Tensor = self.projector(first) + torch.where(seen_again, change, torch.zeros_like(change))
        return tokens

    def _at(
        self, features: Float[Tensor, "tile rows cols channel"], masks: RegionMasks, reduce: str
    ) -> Float[Tensor, "region channel"]:
        """Pool each region on the first ("amin") or the last ("amax") frame that shows it."""
        frame = masks.tile.new_zeros(len(masks.names))
        frame = frame.scatter_reduce(0, masks.region, masks.tile, reduce, include_self=False)
        chosen = masks.tile == frame[masks.region]
        return pool_regions(
            features, RegionMasks(masks.masks[chosen], masks.tile[chosen], masks.region[chosen], masks.names)
        )
