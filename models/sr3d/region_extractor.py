"""From masks to one token a region."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from models.regions import RegionMasks, pool_regions
from models.sr3d.encodings.mask_encoding import MASK_CHANNELS, mask_encoding
from models.sr3d.encodings.motion_encoding import MOTION_CHANNELS, region_motion

RegionPool = Literal["pixel", "frame_mean", "trajectory"]


class RegionExtractor(nn.Module):
    """Pool vision features, positions included, under each region's masks, and project to one token of the LLM.

    "pixel" and "frame_mean" pool all frames together (see `pool_regions`): where things are, not how they move.
    "trajectory" takes the first frame that shows the region and the last one: the token is that of the first, plus a
    second projection of what has changed until the last. It takes every entry of a region for a frame, so pictures
    must not be cut into tiles; what happens between the two frames is left to the visual tokens, or to `encode_motion`.
    With `encode_masks`, place and size of a mask stand beside the features under it (`mask_encoding`); with
    `encode_motion`, the optical flow under and around a trajectory beside its change (`region_motion`).
    Source: SR-3D (arXiv 2509.13317) section 3.2 and Figure 2; the projector Linear-GELU-Linear and "trajectory" are
    ours (specs/tiny_4d.md, trap 3: one projection of all frames at once stayed at chance).
    """

    def __init__(
        self,
        channels: int,
        width: int,
        mode: RegionPool = "pixel",
        hidden: int | None = None,
        encode_masks: bool = False,
        encode_motion: bool = False,
    ) -> None:
        super().__init__()
        self.mode: RegionPool = mode
        self.encode_masks = encode_masks
        self.encode_motion = encode_motion
        channels += MASK_CHANNELS if encode_masks else 0
        hidden = hidden or width

        def mlp(more: int = 0) -> nn.Sequential:
            return nn.Sequential(nn.Linear(channels + more, hidden), nn.GELU(), nn.Linear(hidden, width))

        self.projector = mlp()
        self.change = mlp(MOTION_CHANNELS if encode_motion else 0) if mode == "trajectory" else None

    def forward(
        self,
        features: Float[Tensor, "tile rows cols channel"],
        masks: RegionMasks,
        flow: Float[Tensor, "tile rows cols 2"] | None = None,
    ) -> Float[Tensor, "region hidden"]:
        """Pool and project; `flow` from frame to frame (`frame_flow`) is read if motion is encoded."""
        if self.mode == "trajectory":
            return self._trajectories(features, masks, flow)
        tokens: Tensor = self.projector(self._pool(features, masks))
        return tokens

    def _pool(
        self, features: Float[Tensor, "tile rows cols channel"], masks: RegionMasks
    ) -> Float[Tensor, "region pooled"]:
        """Pool features, and beside them, if chosen, the encoding of the masks, averaged over entries."""
        pooled = pool_regions(features, masks, "pixel" if self.mode == "trajectory" else self.mode)
        if not self.encode_masks:
            return pooled
        codes = mask_encoding(masks.masks).to(pooled)
        total = codes.new_zeros(len(masks.names), codes.shape[-1]).index_add_(0, masks.region, codes)
        entries = torch.bincount(masks.region, minlength=len(masks.names)).clamp_min(1)
        return torch.cat([pooled, total / entries[:, None]], -1)

    def _trajectories(
        self,
        features: Float[Tensor, "tile rows cols channel"],
        masks: RegionMasks,
        flow: Float[Tensor, "tile rows cols 2"] | None,
    ) -> Float[Tensor, "region hidden"]:
        assert self.change is not None
        regions = len(masks.names)
        shown = torch.bincount(masks.region, minlength=regions)
        if empty := [name for name, count in zip(masks.names, shown.tolist(), strict=True) if not count]:
            raise ValueError(
                f"cannot pool {', '.join(empty)}: the mask is empty on all frames; mark at least one pixel"
            )
        first, last = (self._at(features, masks, tile) for tile in masks.end_tiles())
        difference = last - first
        if self.encode_motion:
            assert flow is not None
            difference = torch.cat([difference, region_motion(flow, masks).to(difference)], -1)
        change: Tensor = self.change(difference)
        seen_again = (shown > 1)[:, None]  # a region of one frame has the token of that frame
        tokens: Tensor = self.projector(first) + torch.where(seen_again, change, torch.zeros_like(change))
        return tokens

    def _at(
        self, features: Float[Tensor, "tile rows cols channel"], masks: RegionMasks, tile: Int64[Tensor, "region"]
    ) -> Float[Tensor, "region pooled"]:
        """Pool each region on one of the tiles that show it."""
        chosen = masks.tile == tile[masks.region]
        return self._pool(
            features, RegionMasks(masks.masks[chosen], masks.tile[chosen], masks.region[chosen], masks.names)
        )
