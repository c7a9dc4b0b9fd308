"""Packing the regions of a ragged batch, images in tiles and videos in frames, for one call of `pool_regions`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.regions.pooling import RegionMasks
from models.regions.region import Region
from models.regions.tiling import TilePlan, tile_mask


def pack_regions(regions: Sequence[Sequence[Region]], plans: Sequence[TilePlan], tiles: Sequence[int]) -> RegionMasks:
    """Pack the regions of every sample, in order, with masks at tile resolution.

    Sample i has `tiles[i]` consecutive tiles of the packed features, `len(plans[i])` per frame. A video has one tile
    per frame, an image has one frame. Trailing tiles that belong to no frame (a thumbnail) get no masks.

    Raises:
        ValueError: a region marks a frame that its sample does not have, or tile sizes differ.
    """
    sides = {plan.tile for plan in plans}
    if len(sides) > 1:
        raise ValueError(f"all tiles of a batch must have one size, got sides of {sorted(sides)} pixels")
    masks: list[Tensor] = []
    tile: list[Tensor] = []
    region: list[Tensor] = []
    names: list[str] = []
    first = 0
    for sample, (of_sample, plan, count) in enumerate(zip(regions, plans, tiles, strict=True)):
        for k, marked_region in enumerate(of_sample):
            name = marked_region.name or f"region {k} of sample {sample}"
            for frame, mask in marked_region.masks.items():
                if not 0 <= frame < count // len(plan):
                    raise ValueError(
                        f"{name} marks frame {frame}, but the sample has {count // len(plan)} (from 0): mark these"
                    )
                tiled = tile_mask(mask, plan)
                marked = tiled.flatten(1).any(1).nonzero()[:, 0]
                masks.append(tiled[marked])
                tile.append(first + frame * len(plan) + marked)
                region.append(torch.full_like(marked, len(names)))
            names.append(name)
        first += count
    if not masks:
        side, none = sides.pop() if sides else 0, torch.zeros(0, dtype=torch.long)
        return RegionMasks(torch.zeros(0, side, side, dtype=torch.bool), none, none, ())
    return RegionMasks(torch.cat(masks), torch.cat(tile), torch.cat(region), tuple(names))
