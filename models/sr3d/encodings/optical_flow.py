"""Optical flow between two pictures by an iterative Lucas-Kanade method: no weights, a few small filters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

COARSEST = 16  # pixels: the side of the smallest picture of the pyramid
ITERATIONS = 2  # on each level
WINDOW = 7  # pixels, in which the flow is taken for constant
DAMPING = 1e-3  # of normalised pixels (about -1 to 1): keeps windows without texture at rest
LONGEST_STEP = 2.0  # pixels, of one iteration


@torch.no_grad()
def optical_flow(
    before: Float[Tensor, "pair 3 height width"], after: Float[Tensor, "pair 3 height width"]
) -> Float[Tensor, "pair 2 height width"]:
    """Estimate how far (x, y, in pixels) each pixel of the first picture has moved in the second, from coarse to fine.

    Source: Lucas and Kanade 1981, in a pyramid (Bouguet 2001); the three colours share one flow.
    """
    pyramid = [(before.float(), after.float())]
    while min(pyramid[-1][0].shape[-2:]) >= 2 * COARSEST:
        pyramid.append((F.avg_pool2d(pyramid[-1][0], 2), F.avg_pool2d(pyramid[-1][1], 2)))
    first = pyramid[-1][0]
    flow = first.new_zeros(first.shape[0], 2, *first.shape[-2:])
    for one, other in reversed(pyramid):
        size = one.shape[-2:]
        ratio = flow.new_tensor([size[1] / flow.shape[-1], size[0] / flow.shape[-2]])
        flow = F.interpolate(flow, size=size, mode="bilinear", align_corners=False) * ratio[:, None, None]
        flow = _refine(flow, _smooth(one, 3), _smooth(other, 3))
    return flow


def _refine(flow: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Solve the normal equations of every window, with the second picture warped by what is known so far."""
    padded = F.pad(one, (1, 1, 1, 1), mode="replicate")
    along_x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    along_y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    xx = _in_window(along_x * along_x) + DAMPING
    yy = _in_window(along_y * along_y) + DAMPING
    xy = _in_window(along_x * along_y)
    determinant = xx * yy - xy * xy
    for _ in range(ITERATIONS):
        change = _warp(other, flow) - one
        x, y = _in_window(along_x * change), _in_window(along_y * change)
        step = torch.cat([xy * y - yy * x, xy * x - xx * y], 1) / determinant
        flow = _smooth(flow + step.clamp(-LONGEST_STEP, LONGEST_STEP), 3)
    return flow


def _in_window(product: Tensor) -> Tensor:
    return _smooth(product.sum(1, keepdim=True), WINDOW)


def _smooth(x: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(x, side, 1, side // 2, count_include_pad=False)


def _warp(picture: Tensor, flow: Tensor) -> Tensor:
    """Read a picture where the flow points; beyond its border, its border."""
    height, width = picture.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=flow.device), torch.arange(width, device=flow.device), indexing="ij"
    )
    to_x, to_y = (x + flow[:, 0] + 0.5) * 2 / width - 1, (y + flow[:, 1] + 0.5) * 2 / height - 1
    warped: Tensor = F.grid_sample(picture, torch.stack([to_x, to_y], -1), padding_mode="border", align_corners=False)
    return warped
