"""What an expert says of a region, for the region's token (ours; 4D-RGPT distils visual tokens alone)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from distill.signals import CHANNELS
from distill.teachers.teacher import TargetBatch

OF_REGIONS = ("depth", "flow", "motion")  # rays are those of a camera, not of an object


class RegionDecoder(nn.Module):
    """Map the states of region tokens to the mean of each signal over the region; deleted at export."""

    def __init__(self, width: int, signals: Sequence[str]) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({name: nn.Linear(width, CHANNELS[name]) for name in signals if name in OF_REGIONS})

    def forward(self, states: Float[Tensor, "region_mention channel"]) -> dict[str, Float[Tensor, "region_mention _"]]:
        """Decode every signal."""
        return {name: layer(states) for name, layer in self.layers.items()}


def region_means(
    inputs: Mapping[str, Any],
    targets: TargetBatch,
    rows: Int64[Tensor, "region_mention"],
    first_tile: Int64[Tensor, "batch"],
    signals: Iterable[str],
) -> dict[str, tuple[Float[Tensor, "region_mention _"], Bool[Tensor, "region_mention"]]]:
    """Average signals over the masks of every mentioned region, on all frames that mark it.

    Args:
        inputs: a collated batch.
        targets: of its clips.
        rows: the row of each mention.
        first_tile: the first tile of each row; a tile is a frame.
        signals: which ones.

    Returns:
        The means, and whether there is one: the clip has targets, and they are valid somewhere in the region.
    """
    mentions, index = inputs["region_mentions"], inputs["region_index"]
    taught = torch.arange(len(targets), device=rows.device) if targets.rows is None else targets.rows
    clip_of_row = rows.new_full((len(first_tile),), -1).index_put(
        (taught,), torch.arange(len(taught), device=rows.device)
    )
    row_of_region = rows.new_full((int(index.max()) + 1,), -1).index_put((mentions,), rows)
    row = row_of_region[index]
    used = (row >= 0) & (clip_of_row[row] >= 0)  # mentioned, in a clip that has targets
    index, row = index[used], row[used]
    clip, frame = clip_of_row[row], inputs["region_tile"][used] - first_tile[row]
    names = list(signals)
    sizes = {targets.values[name].shape[-2:] for name in names}
    masks = inputs["region_masks"][used][:, None].float()
    shares = {size: F.interpolate(masks, size, mode="area") for size in sizes}  # of each cell that a mask covers
    means = {}
    for name in names:
        values, valid = targets.values[name], targets.valid[name]
        weight = shares[values.shape[-2:]].to(values) * valid[clip, frame]
        known = torch.where(weight > 0, values[clip, frame], 0.0)  # an invalid value may be infinite
        sums = values.new_zeros(len(row_of_region), values.shape[2]).index_add(0, index, (weight * known).sum((2, 3)))
        weights = values.new_zeros(len(row_of_region)).index_add(0, index, weight.sum((1, 2, 3)))
        means[name] = (sums / weights.clamp_min(1e-6)[:, None])[mentions], weights[mentions] > 0
    return means


def region_losses(
    decoded: Mapping[str, Float[Tensor, "region_mention _"]],
    means: Mapping[str, tuple[Float[Tensor, "region_mention _"], Bool[Tensor, "region_mention"]]],
) -> dict[str, Float[Tensor, ""]]:
    """Compare by smooth L1, as dense signals are: the mean over the regions that have a target."""
    losses = {}
    for name, student in decoded.items():
        target, known = means[name]
        each = F.smooth_l1_loss(student.float(), target.float(), reduction="none").mean(-1)
        losses[f"region_{name}"] = torch.where(known, each, 0.0).sum() / known.sum().clamp_min(1)
    return losses
