"""Domain shift of training pictures: another camera, another light, an imperfect mask and imperfect depth."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from scenes.masked_object import MaskedObject

SMOOTH_DEPTH_ERROR = 0.03  # standard deviation of the smooth relative error of depth
PIXEL_DEPTH_ERROR = 0.01  # standard deviation of the relative error of each pixel's depth
MAX_HOLE_SHARE = 0.15  # largest share of the depth that is lost in patches


def shift_domain(item: MaskedObject, generator: torch.Generator) -> MaskedObject:
    """Change light, colours, sharpness, noise, the border of the mask and the depth, but not the truth.

    The scale of the depth does not change either, because poses are relative to the points.
    """

    def unit() -> float:
        return float(torch.rand((), generator=generator))

    image = item.image.float() / 255
    tint = 1 + 0.2 * torch.randn(3, 1, 1, generator=generator)
    image = (image * tint).clamp(0, 1) ** (0.6 + 0.9 * unit())
    if unit() < 0.3:
        image = F.avg_pool2d(image[None], 3, 1, 1)[0]
    image = image + 0.06 * unit() * torch.randn(image.shape, generator=generator)
    mask = shift_mask(item.mask, unit())
    depth = item.depth * shift_depth(item.depth, generator)
    return replace(item, image=(255 * image).round().clamp(0, 255).to(torch.uint8), mask=mask, depth=depth)


def shift_mask(mask: Bool[Tensor, "height width"], uniform: float) -> Bool[Tensor, "height width"]:
    """Grow, shrink or keep a mask, by one pixel and a third of [0, 1] each; a mask that would vanish is kept."""
    if uniform < 1 / 3:
        return F.max_pool2d(mask[None].float(), 3, 1, 1)[0].bool()
    if uniform < 2 / 3:
        shrunk = ~F.max_pool2d((~mask)[None].float(), 3, 1, 1)[0].bool()
        return shrunk if int(shrunk.sum()) >= 20 else mask
    return mask


def shift_depth(depth: Float[Tensor, "height width"], generator: torch.Generator) -> Float[Tensor, "height width"]:
    """Draw a factor for the depth of each pixel: a smooth error, pixel noise, and 0 in holes."""
    height, width = depth.shape

    def smooth(cells: int) -> Tensor:
        coarse = torch.randn(1, 1, cells, cells, generator=generator)
        return F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)[0, 0]

    error = SMOOTH_DEPTH_ERROR * smooth(4) + PIXEL_DEPTH_ERROR * torch.randn(depth.shape, generator=generator)
    patches = smooth(12)
    holes = patches < patches.flatten().quantile(MAX_HOLE_SHARE * float(torch.rand((), generator=generator)))
    return torch.where(holes, 0.0, error.exp())
