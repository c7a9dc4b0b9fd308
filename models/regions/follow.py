"""Following regions that are marked on one frame to the others: label propagation, without parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from models.regions.region import Region

CELLS = 32  # along the longer side of a frame
RADIUS = 4  # cells that something moves from one frame to the next, at most
NEIGHBOURS = 5  # most similar cells that vote
SHARPNESS = 500.0  # of the votes: 1 over a mean squared difference of colours in [0, 1]
CERTAIN = 0.5  # share of the votes from which on a cell belongs to the region


def follow(video: UInt8[Tensor, "time 3 height width"], regions: Sequence[Region]) -> list[Region]:
    """Follow every region that is marked on one frame alone to all other frames; others stay as they are.

    Each cell of a frame takes the vote of the most similar cells nearby, in the frame before it and in the marked one
    (similar: 3 x 3 cells of colour), and the region is where more than half of the votes say so. A region that is
    lost, hidden or out of the picture stays unmarked from there on. Things that look alike and touch are confused.
    Source: label propagation as in space-time correspondence (Jabri et al., arXiv 2006.14613, section 4), on colours.
    """
    followed = list(regions)
    for frame in sorted({min(r.masks) for r in regions if len(r.masks) == 1 and len(video) > 1}):
        chosen = [k for k, r in enumerate(regions) if len(r.masks) == 1 and frame in r.masks]
        cells = colour_cells(video)
        marked = torch.stack([regions[k].masks[frame] for k in chosen])
        start = F.interpolate(marked[None].float(), cells.shape[-2:], mode="area")[0]
        tracks = {frame: marked}
        for direction in (range(frame + 1, len(video)), range(frame - 1, -1, -1)):
            labels, before = start, frame
            for now in direction:
                labels = propagate(cells, [(before, labels), (frame, start)], now)
                tracks[now] = F.interpolate(labels[None], video.shape[-2:], mode="nearest")[0] > CERTAIN
                before = now
        for place, k in enumerate(chosen):
            masks = {t: tracks[t][place] for t in sorted(tracks) if bool(tracks[t][place].any())}
            followed[k] = replace(regions[k], masks=masks)
    return followed


def colour_cells(video: UInt8[Tensor, "time 3 height width"]) -> Float[Tensor, "time 3 rows cols"]:
    """Average colours, in [0, 1], over a grid of `CELLS` cells along the longer side."""
    height, width = video.shape[-2:]
    stride = max(1, round(max(height, width) / CELLS))
    return F.adaptive_avg_pool2d(video.float() / 255, (max(1, height // stride), max(1, width // stride)))


def propagate(
    cells: Float[Tensor, "time 3 rows cols"],
    known: Sequence[tuple[int, Float[Tensor, "region rows cols"]]],
    frame: int,
) -> Float[Tensor, "region rows cols"]:
    """Let each cell of a frame take the votes of its most similar neighbours in frames whose labels are known.

    The search reaches `RADIUS` cells, and twice that in frames further away.
    """
    votes, labels = [], []
    for other, given in known:
        reach = RADIUS if abs(other - frame) == 1 else 2 * RADIUS
        apart = (windows(cells[other], reach) - cells[frame]).square().mean(1, keepdim=True)
        apart = F.avg_pool2d(apart, 3, 1, 1, count_include_pad=False)[:, 0]  # over patches of 3 x 3 cells
        inside = windows(torch.ones_like(given[:1]), reach, "constant")[:, 0] > 0
        votes.append(torch.where(inside, -SHARPNESS * apart, -torch.inf))
        labels.append(windows(given, reach))
    vote, chosen = torch.cat(votes).topk(NEIGHBOURS, dim=0)
    label = torch.cat(labels).gather(0, chosen[:, None].expand(-1, known[0][1].shape[0], -1, -1))
    return (vote.softmax(0)[:, None] * label).sum(0)


def windows(
    field: Float[Tensor, "channel rows cols"], reach: int, border: str = "replicate"
) -> Float[Tensor, "neighbour channel rows cols"]:
    """Shift a field by every offset of up to `reach` cells, rows first; `border` as in `F.pad`."""
    side = 2 * reach + 1
    padded = F.pad(field[None], (reach,) * 4, mode=border)[0]
    rows = padded.unfold(1, side, 1).unfold(2, side, 1)
    shifted: Tensor = rearrange(rows, "c r k a b -> (a b) c r k")
    return shifted
