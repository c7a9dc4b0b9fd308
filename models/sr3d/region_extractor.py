"""From masks to one token a region."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.regions import RegionMasks, pool_regions

RegionPool = Literal["pixel", "frame_mean", "trajectory"]


class RegionExtractor(nn.Module):
    """Pool vision features, positions included, under each region's masks, and project to one token of the LLM.

    "pixel" and "frame_mean" pool all frames together (see `pool_regions`): where things are, not how they move.
    "trajectory" keeps the frames apart: the token is that of the first frame that shows the region, plus the mean over
    the later ones of a second projection of what has changed since. It takes every entry of a region for a frame, so
    pictures must not be cut into tiles.
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
        regions, entries = len(masks.names), len(masks.region)
        shown = torch.bincount(masks.region, minlength=regions)
        if empty := [name for name, count in zip(masks.names, shown.tolist(), strict=True) if not count]:
            raise ValueError(
                f"cannot pool {', '.join(empty)}: the mask is empty on all frames; mark at least one pixel"
            )
        each = torch.arange(entries, device=masks.region.device)
        names = tuple(masks.names[k] for k in masks.region.tolist())
        pooled = pool_regions(features, replace(masks, region=each, names=names))
        start = masks.tile.new_full((regions,), int(masks.tile.max()) + 1 if entries else 0)
        start = start.scatter_reduce(0, masks.region, masks.tile, "amin")
        is_start = masks.tile == start[masks.region]
        first = pooled.new_zeros(regions, pooled.shape[1]).index_copy(0, masks.region[is_start], pooled[is_start])
        later, of = pooled[~is_start], masks.region[~is_start]
        change = self.change(later - first[of])
        count = (shown - 1).clamp_min(1)
        tokens: Tensor = self.projector(first)
        return tokens + torch.zeros_like(tokens).index_add(0, of, change.to(tokens.dtype)) / count[:, None]
