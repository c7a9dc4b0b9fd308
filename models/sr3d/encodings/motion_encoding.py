"""How the picture moves under a region and around it, from frame to frame."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.regions import RegionMasks
from models.sr3d.encodings.optical_flow import optical_flow

MOTION_CHANNELS = 6  # see `region_motion`
RING = 2  # cells around a mask, whose motion is mostly that of the camera
SCALE = 4.0  # a move by an eighth of the picture is 1


def frame_flow(frames: Float[Tensor, "tile 3 height width"], rows: int, cols: int) -> Float[Tensor, "tile rows cols 2"]:
    """Estimate the flow from each frame to the next one, in half pictures, averaged in the cells of a grid.

    The last frame of a clip is compared with whatever comes next, of which nothing is read; the very last has zeros.
    """
    flow = frames.new_zeros(len(frames), rows, cols, 2, dtype=torch.float32)
    if len(frames) > 1:
        height, width = frames.shape[-2:]
        pixels = F.adaptive_avg_pool2d(optical_flow(frames[:-1], frames[1:]), (rows, cols))
        flow[:-1] = rearrange(pixels, "t d r c -> t r c d") * 2 / flow.new_tensor([width, height])
    return flow.to(frames.dtype)


def region_motion(flow: Float[Tensor, "tile rows cols 2"], masks: RegionMasks) -> Float[Tensor, "region 6"]:
    """Sum the flow (x, y) under the masks of a region, around them, and the difference, over the frames that show it.

    Frames between these that do not show the region are bridged by the mean of the others. A region of one frame has
    zeros. An object moves where its flow differs from what surrounds it: the camera moves both.
    """
    rows, cols = flow.shape[1:3]
    order = (masks.region * len(flow) + masks.tile).argsort()
    region, tile = masks.region[order], masks.tile[order]
    followed = torch.zeros_like(region, dtype=torch.bool)
    followed[:-1] = (region[1:] == region[:-1]) & (tile[1:] == tile[:-1] + 1)
    inside = F.adaptive_avg_pool2d(masks.masks[order][followed].float()[:, None], (rows, cols))[:, 0]
    touched = (inside > 0).float()
    around = F.max_pool2d(touched[:, None], 2 * RING + 1, 1, RING)[:, 0] - touched
    of_tile = flow[tile[followed]].float()
    own, ring = (
        torch.einsum("erc,ercd->ed", weight, of_tile) / weight.sum((1, 2)).clamp_min(1e-6)[:, None]
        for weight in (inside, around)
    )
    count = len(masks.names)
    sums = flow.new_zeros(count, MOTION_CHANNELS, dtype=torch.float32)
    sums.index_add_(0, region[followed], torch.cat([own, ring, own - ring], -1))
    steps = torch.bincount(region[followed], minlength=count).clamp_min(1)
    first, last = masks.end_tiles()
    return SCALE * sums * ((last - first) / steps)[:, None]
