"""Propagation of regions from one marked frame to all others, by label propagation without learned parameters."""

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
RADIUS = 4  # maximum motion from one frame to the next, in cells
NEIGHBOURS = 5  # number of most similar cells that vote
SHARPNESS = 500.0  # inverse temperature of the votes, for mean squared differences of colours in [0, 1]
VOTE_THRESHOLD = 0.5  # share of the votes above which a cell belongs to the region
PORTION = 2**23  # colour values that are averaged at once: 67 MB as floats


def follow(video: UInt8[Tensor, "time 3 height width"], regions: Sequence[Region]) -> list[Region]:
    """Propagate every region that is marked on a single frame to all other frames; other regions stay as they are.

    For each cell of a frame, the most similar nearby cells vote (similarity of 3 x 3 cells of colour): those of the
    previous frame and of the marked one. A cell belongs to the region if it gets more than half of the votes. A region
    that is lost, occluded or out of view stays unmarked afterwards. Adjacent objects of similar colour are confused.
    Source: label propagation as in space-time correspondence (Jabri et al., arXiv 2006.14613, section 4), on colours.
    """
    followed = list(regions)
    starts = sorted({min(r.masks) for r in regions if len(r.masks) == 1 and len(video) > 1})
    cells = colour_cells(video if starts else video[:0])
    for frame in starts:
        chosen = [k for k, r in enumerate(regions) if len(r.masks) == 1 and frame in r.masks]
        marked = torch.stack([regions[k].masks[frame] for k in chosen])
        start = F.interpolate(marked[None].float(), cells.shape[-2:], mode="area")[0]
        tracks = {frame: marked}
        for direction in (range(frame + 1, len(video)), range(frame - 1, -1, -1)):
            labels, previous = start, frame
            for current in direction:
                labels = propagate(cells, [(previous, labels), (frame, start)], current)
                tracks[current] = F.interpolate(labels[None], video.shape[-2:], mode="nearest")[0] > VOTE_THRESHOLD
                previous = current
        for row, k in enumerate(chosen):
            masks = {t: tracks[t][row] for t in sorted(tracks) if bool(tracks[t][row].any())}
            followed[k] = replace(regions[k], masks=masks)
    return followed


def colour_cells(video: UInt8[Tensor, "time 3 height width"]) -> Float[Tensor, "time 3 rows cols"]:
    """Average colours, in [0, 1], over a grid of `CELLS` cells along the longer side.

    The windows are those of `adaptive_avg_pool2d`. A row of cells is averaged at a time, of as many frames as `PORTION`
    allows: whole frames as floats would take nine times the memory of the video.
    """
    height, width = video.shape[-2:]
    stride = max(1, round(max(height, width) / CELLS))
    rows, cols = max(1, height // stride), max(1, width // stride)
    cells = torch.empty(len(video), 3, rows, cols, device=video.device)
    for row in range(rows):
        top, bottom = row * height // rows, -(-(row + 1) * height // rows)
        count = max(1, PORTION // (3 * (bottom - top) * width))
        for start in range(0, len(video), count):
            strip = video[start : start + count, :, top:bottom].float() / 255
            cells[start : start + count, :, row] = F.adaptive_avg_pool2d(strip, (1, cols))[:, :, 0]
    return cells


def propagate(
    cells: Float[Tensor, "time 3 rows cols"],
    labelled: Sequence[tuple[int, Float[Tensor, "region rows cols"]]],
    frame: int,
) -> Float[Tensor, "region rows cols"]:
    """Label each cell of a frame by the votes of its most similar neighbours in the labelled frames (index, labels).

    The search radius is `RADIUS` cells, and twice that in frames that are not adjacent.
    """
    votes, labels = [], []
    for other, other_labels in labelled:
        reach = RADIUS if abs(other - frame) == 1 else 2 * RADIUS
        difference = (windows(cells[other], reach) - cells[frame]).square().mean(1, keepdim=True)
        difference = F.avg_pool2d(difference, 3, 1, 1, count_include_pad=False)[:, 0]  # over patches of 3 x 3 cells
        inside = windows(torch.ones_like(other_labels[:1]), reach, "constant")[:, 0] > 0
        votes.append(torch.where(inside, -SHARPNESS * difference, -torch.inf))
        labels.append(windows(other_labels, reach))
    vote, chosen = torch.cat(votes).topk(NEIGHBOURS, dim=0)
    label = torch.cat(labels).gather(0, chosen[:, None].expand(-1, labelled[0][1].shape[0], -1, -1))
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
