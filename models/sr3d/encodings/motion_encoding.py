"""How the picture moves under a region and around it, from frame to frame."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.heads.full_precision import full_precision
from models.regions import RegionMasks
from models.sr3d.encodings.optical_flow import optical_flow

MOTION_CHANNELS = 20  # see `region_motion`
RING = 2  # cells around a mask, whose motion is mostly that of the camera
SCALE = 4.0  # a move by an eighth of the picture is 1
EXTENT = 0.05  # half pictures: the gradient of the flow fades in what is smaller


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


def region_motion(flow: Float[Tensor, "tile rows cols 2"], masks: RegionMasks) -> Float[Tensor, "region 20"]:
    """Sum what an affine fit of the flow gives for a region, over the frames that show it.

    Twenty channels: the mean flow (x, y) under its masks, around them, the difference, and the flow of the whole frame
    (its fit at the centre of the mask); then the gradients of `affine_flow` under the masks, around them, and of the
    frame. An object moves where its flow differs from what surrounds it: the camera moves both. Where a camera moves
    ahead, the flow expands, more so in what is near; where an object comes, it expands more than its surroundings.

    Frames between these that do not show the region are bridged by the mean of the others. A region of one frame has
    zeros.
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
    with full_precision(flow.device):
        centre, own, own_gradient = affine_flow(of_tile, inside)
        _, ring, ring_gradient = affine_flow(of_tile, around)
        middle, frame, frame_gradient = affine_flow(of_tile, torch.ones_like(inside))
        camera = frame + torch.einsum("ea,ead->ed", centre - middle, frame_gradient)
    gradients = [gradient.flatten(1) for gradient in (own_gradient, ring_gradient, frame_gradient)]
    count = len(masks.names)
    sums = flow.new_zeros(count, MOTION_CHANNELS, dtype=torch.float32)
    sums.index_add_(0, region[followed], torch.cat([own, ring, own - ring, camera, *gradients], -1))
    steps = torch.bincount(region[followed], minlength=count).clamp_min(1)
    first, last = masks.end_tiles()
    return SCALE * sums * ((last - first) / steps)[:, None]


def affine_flow(
    flow: Float[Tensor, "entry rows cols 2"], weight: Float[Tensor, "entry rows cols"]
) -> tuple[Float[Tensor, "entry 2"], Float[Tensor, "entry 2"], Float[Tensor, "entry 2 2"]]:
    """Fit a flow by weighted least squares: the centre of the weights, the flow there, and its gradient.

    The gradient holds the derivatives of the flow (last axis) along x and y; its trace is the expansion of the
    picture, the relative growth of what is seen. Weights of zero have zeros.
    Source: the first-order flow of Koenderink and van Doorn 1975.
    """
    rows, cols = weight.shape[1:]
    x, y = ((torch.arange(n, device=flow.device) + 0.5) * 2 / n - 1 for n in (cols, rows))
    at = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
    share = weight / weight.sum((1, 2), keepdim=True).clamp_min(1e-6)
    centre = torch.einsum("erc,rca->ea", share, at)
    mean = torch.einsum("erc,ercd->ed", share, flow)
    away = at - centre[:, None, None]
    spread = torch.einsum("erc,erca,ercb->eab", share, away, away) + EXTENT**2 * torch.eye(2, device=flow.device)
    together = torch.einsum("erc,erca,ercd->ead", share, away, flow)
    gradient, _ = torch.linalg.solve_ex(spread, together)  # no wait for a GPU: `spread` is positive definite
    return centre, mean, gradient
