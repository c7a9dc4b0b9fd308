"""Mask pooling: one feature vector per region over all its tiles, for a whole ragged batch at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.regions.area import area_weights
from models.regions.kernel_choice import kernel_on_gpu


@dataclass(frozen=True)
class RegionMasks:
    """The masks of all regions of a batch. An entry is one region on one tile (of an image) or frame (of a video).

    `tile` indexes the packed tiles of the batch, `region` indexes `names`. A tile without pixels of a region needs no
    entry. Samples may have any number of tiles and regions.
    """

    masks: Bool[Tensor, "entry height width"]
    tile: Int64[Tensor, "entry"]
    region: Int64[Tensor, "entry"]
    names: tuple[str, ...]

    def to(self, device: torch.device | str) -> RegionMasks:
        """Move to a device."""
        return RegionMasks(self.masks.to(device), self.tile.to(device), self.region.to(device), self.names)

    def end_tiles(self) -> tuple[Int64[Tensor, "region"], Int64[Tensor, "region"]]:
        """Find the first and the last tile of every region; 0 for a region without entries."""
        zeros = self.tile.new_zeros(len(self.names))
        first, last = (
            zeros.scatter_reduce(0, self.region, self.tile, reduce, include_self=False) for reduce in ("amin", "amax")
        )
        return first, last


@kernel_on_gpu
def pool_regions(
    features: Float[Tensor, "tile rows cols channel"],
    masks: RegionMasks,
    mode: Literal["pixel", "frame_mean"] = "pixel",
) -> Float[Tensor, "region channel"]:
    """Pool features to one vector per region: f_r = sum w f / sum w, with w the area of the mask in each token.

    The sums cover all entries of a region, which may span tiles and frames. Mode "pixel" weights all pixels equally, so
    that near views count more; "frame_mean" averages the means of the entries. A mask of one pixel is never lost.
    Differentiable in the features. There is no loop over samples, tiles or regions: masks become a sparse list.
    Source: SR-3D (arXiv 2509.13317) section 3.2; the area weights are ours.

    Raises:
        ValueError: a region has no pixel, or the tile of an entry does not exist; but a kernel on a GPU (see
            `models.regions.kernel_choice`), which does not wait, makes it NaN.
    """
    tiles, rows, cols, channels = features.shape
    if not masks.names:
        return features.new_zeros(0, channels)
    if masks.tile.numel() and int(masks.tile.max()) >= tiles:
        raise ValueError(
            f"a region lies on tile {int(masks.tile.max())}, but the features have {tiles} tiles (from 0): pack masks "
            "and features of one batch"
        )
    weights = area_weights(masks.masks, rows, cols)
    region, tile = (of_entry.index_select(0, weights.entry) for of_entry in (masks.region, masks.tile))
    _refuse_empty(region, masks.names)

    share = weights.area.double()
    if mode == "frame_mean":
        share = _normalise(share, weights.entry, masks.tile.numel())
    share = _normalise(share, region, len(masks.names)).to(features.dtype)
    token = tile * (rows * cols) + weights.cell
    by_region = region.argsort(stable=True)
    counts = torch.bincount(region, minlength=len(masks.names))
    return embedding_bag(
        token.index_select(0, by_region),
        features.reshape(-1, channels),
        offsets=counts.cumsum(0) - counts,
        mode="sum",
        per_sample_weights=share.index_select(0, by_region),
    )


def _normalise(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """Divide values by the sum of their group."""
    return values / values.new_zeros(groups).index_add_(0, group, values).index_select(0, group)


def _refuse_empty(region: Tensor, names: tuple[str, ...]) -> None:
    missing = set(range(len(names))) - set(region.unique().tolist())
    if missing:
        empty = ", ".join(names[k] for k in sorted(missing))
        raise ValueError(f"cannot pool {empty}: the mask is empty on all its tiles; mark at least one pixel")
