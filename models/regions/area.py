"""The area of each token that a mask covers, as a sparse list."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import reduce
from jaxtyping import Bool, Float, Int64
from torch import Tensor

BYTES = 8  # mask pixels in one 64-bit word


@dataclass(frozen=True)
class AreaWeights:
    """The tokens that masks touch: the mask's entry, the cell (row-major) and the covered area in pixels (> 0)."""

    entry: Int64[Tensor, "hit"]
    cell: Int64[Tensor, "hit"]
    area: Float[Tensor, "hit"]


def area_weights(masks: Bool[Tensor, "entry height width"], rows: int, cols: int) -> AreaWeights:
    """Sum masks over a token grid by area, and list the tokens that they touch.

    Exact for any size: a pixel across two tokens counts for each with its overlap. Where tokens are a whole number of
    pixels high, rows of pixels are added eight pixels at a time (as the bytes of 64-bit words), which reads each mask
    once in memory order; the horizontal sum then covers only the touched strips.
    """
    height, width = masks.shape[-2:]
    with torch.autocast(masks.device.type, enabled=False):  # areas are pixel counts, which bfloat16 would round
        if height % rows == 0 and width % BYTES == 0 and height // rows < 256:
            strips = _add_rows_of_bytes(masks, rows)
        else:
            strips = torch.einsum("rh,ehw->erw", overlap(rows, height, masks), masks.float())
        strips = strips.flatten(0, 1)
        touched = strips.any(-1).nonzero()[:, 0]
        area = (strips.index_select(0, touched).float() @ overlap(cols, width, masks).T).flatten()
    hit = area.nonzero()[:, 0]
    strip = touched.index_select(0, hit // cols)
    return AreaWeights(strip // rows, strip % rows * cols + hit % cols, area.index_select(0, hit))


def overlap(cells: int, size: int, like: Tensor) -> Float[Tensor, "cells size"]:
    """Compute the overlap of each of `size` pixels along an axis with each of `cells` cells, in pixels (0 to 1)."""
    edge = torch.arange(cells + 1, device=like.device) * size  # in units of 1 / cells of a pixel: exact
    pixel = torch.arange(size, device=like.device) * cells
    start = torch.maximum(edge[:-1, None], pixel)
    end = torch.minimum(edge[1:, None], pixel + cells)
    return (end - start).clamp_min(0).float() / cells


def _add_rows_of_bytes(masks: Tensor, rows: int) -> Tensor:
    """Add the rows of pixels in each row of tokens: fewer than 256, so that no byte overflows."""
    masks = masks.contiguous()
    if masks.storage_offset() % BYTES:
        masks = masks.clone()
    words: Tensor = reduce(masks.view(torch.int64), "e (r y) w -> e r w", "sum", r=rows)
    return words.view(torch.uint8)
