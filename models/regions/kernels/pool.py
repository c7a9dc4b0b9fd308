"""Mask pooling without waiting for the GPU: areas, sums of the features that are touched, and their gradient."""

from __future__ import annotations

from typing import Any, Literal, no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Float32, Int64
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.regions import pooling
from models.regions.pooling import RegionMasks

CELLS, CHANNELS = 32, 128  # tokens and channels of a program


def pool_regions(
    features: Float[Tensor, "tile rows cols channel"],
    masks: RegionMasks,
    mode: Literal["pixel", "frame_mean"] = "pixel",
) -> Float[Tensor, "region channel"]:
    """Pool features as `models.regions.pool_regions` does, with sums in float32; float64 takes the way of that one.

    To raise an error would wait for the GPU: a region without pixels, which `Region` refuses, or with an entry on a
    tile that does not exist is NaN.
    """
    if features.dtype == torch.float64:
        return pooling.pool_regions.__wrapped__(features, masks, mode)  # type: ignore[attr-defined,no-any-return]
    if not masks.names:
        return features.new_zeros(0, features.shape[-1])
    with torch.cuda.device_of(features):
        area = _areas(masks, features.shape[1], features.shape[2])
        share = _shares(area, masks, len(features), mode)
        pooled: Tensor = _Pooling.apply(
            features, area, share, masks.tile.contiguous(), masks.region.contiguous(), len(masks.names)
        )
    return pooled


class _Pooling(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, area: Tensor, share: Tensor, tile: Tensor, region: Tensor, regions: int
    ) -> Tensor:
        ctx.save_for_backward(area, share, tile, region)
        ctx.shape = features.shape
        entries, cells, channels = len(tile), area.shape[1], features.shape[-1]
        of_entry = torch.empty(entries, channels, device=features.device)
        if entries:
            _pool_kernel[(entries, triton.cdiv(channels, CHANNELS))](
                *(features.contiguous(), area, share, tile, of_entry, len(features), cells, channels),
                CELLS=CELLS,
                CHANNELS=CHANNELS,
            )
        order, start = _sorted(region, regions)
        pooled: Tensor = (
            embedding_bag(order, of_entry, start, mode="sum") if entries else of_entry.new_zeros(regions, channels)
        )
        empty = torch.ones(regions, device=features.device).index_fill_(0, region, 0.0) > 0
        return pooled.masked_fill(empty[:, None], torch.nan).to(features.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Float[Tensor, "region channel"]) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        area, share, tile, region = ctx.saved_tensors
        tiles, _, _, channels = ctx.shape
        spread = grad.new_empty(ctx.shape)
        order, start = _sorted(tile, tiles + 1)
        grid = (tiles, triton.cdiv(area.shape[1], CELLS), triton.cdiv(channels, CHANNELS))
        with torch.cuda.device_of(grad):
            _spread_kernel[grid](
                *(grad.contiguous(), area, share, region, order, start, spread, area.shape[1], channels),
                CELLS=CELLS,
                CHANNELS=CHANNELS,
            )
        return spread, None, None, None, None, None


def _sorted(group: Int64[Tensor, "entry"], groups: int) -> tuple[Int64[Tensor, "entry"], Int64[Tensor, "group"]]:
    """List the entries group by group, and where each group starts."""
    order = group.argsort(stable=True)
    return order, torch.searchsorted(group[order], torch.arange(groups, device=group.device))


def _areas(masks: RegionMasks, rows: int, cols: int) -> Float32[Tensor, "entry cell"]:
    """Measure the area of each token that each mask covers, in pixels (see `area_weights`)."""
    entries, height, width = masks.masks.shape
    area = torch.empty(entries, rows * cols, device=masks.masks.device)
    if entries:
        _area_kernel[(entries, rows)](
            *(masks.masks.contiguous().view(torch.uint8), area, height, width, rows, cols),
            COLS=triton.next_power_of_2(cols),
            RUN=triton.next_power_of_2(width // cols + 2 if width % cols else width // cols),
        )
    return area


def _shares(
    area: Float32[Tensor, "entry cell"], masks: RegionMasks, tiles: int, mode: Literal["pixel", "frame_mean"]
) -> Float32[Tensor, "entry"]:
    """Find what a pixel of each entry counts for in the mean of its region."""
    pixels = area.sum(1, dtype=torch.float64)
    counted = pixels if mode == "pixel" else (pixels > 0).double()
    total = counted.new_zeros(len(masks.names)).index_add_(0, masks.region, counted)
    share = (counted / pixels / total[masks.region]).masked_fill((pixels == 0) & (total[masks.region] > 0), 0.0)
    return share.masked_fill((masks.tile < 0) | (masks.tile >= tiles), torch.nan).float()


@triton.jit
@no_type_check
def _area_kernel(masks, area, height, width, rows, cols, COLS: tl.constexpr, RUN: tl.constexpr):
    """Sum the pixels of one row of tokens in one mask, each with its overlap with the token."""
    entry, row = tl.program_id(0), tl.program_id(1)
    col = tl.arange(0, COLS)
    x = (col * width // cols)[:, None] + tl.arange(0, RUN)[None, :]
    over = tl.minimum(((col + 1) * width)[:, None], (x + 1) * cols) - tl.maximum((col * width)[:, None], x * cols)
    over = tl.maximum(over, 0)
    there = (over > 0) & (x < width) & (col < cols)[:, None]
    held = tl.zeros([COLS, RUN], tl.float32)
    mask = masks + entry.to(tl.int64) * height * width
    for y in range(row * height // rows, ((row + 1) * height + rows - 1) // rows):
        high = tl.minimum((row + 1) * height, (y + 1) * rows) - tl.maximum(row * height, y * rows)
        held += high * tl.load(mask + y * width + x, there, other=0).to(tl.float32)
    sums = tl.sum(held * over, 1) / (rows * cols)
    tl.store(area + entry.to(tl.int64) * rows * cols + row * cols + col, sums, col < cols)


@triton.jit
@no_type_check
def _pool_kernel(
    features, area, share, tile, of_entry, tiles, cells, channels, CELLS: tl.constexpr, CHANNELS: tl.constexpr
):
    """Sum the features of one entry over the tokens that its mask touches; the others are not read."""
    entry = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    place = tl.load(tile + entry)
    place = tl.minimum(tl.maximum(place, 0), tiles - 1)  # the share of an entry on no tile is NaN
    total = tl.zeros([CHANNELS], tl.float32)
    for start in range(0, cells, CELLS):
        cell = start + tl.arange(0, CELLS)
        weight = tl.load(area + entry * cells + cell, cell < cells, other=0.0)
        if tl.max(weight, 0) > 0:
            there = (weight > 0)[:, None] & (channel < channels)[None, :]
            at = features + (place * cells + cell)[:, None] * channels + channel[None, :]
            total += tl.sum(weight[:, None] * tl.load(at, there, other=0.0).to(tl.float32), 0)
    tl.store(of_entry + entry * channels + channel, total * tl.load(share + entry), channel < channels)


@triton.jit
@no_type_check
def _spread_kernel(
    grad, area, share, region, order, start, spread, cells, channels, CELLS: tl.constexpr, CHANNELS: tl.constexpr
):
    """Add what the regions on one tile send back to its tokens, in the order of the entries."""
    tile = tl.program_id(0)
    cell = tl.program_id(1) * CELLS + tl.arange(0, CELLS)
    channel = tl.program_id(2) * CHANNELS + tl.arange(0, CHANNELS)
    total = tl.zeros([CELLS, CHANNELS], tl.float32)
    for k in range(tl.load(start + tile), tl.load(start + tile + 1)):
        entry = tl.load(order + k)
        weight = tl.load(area + entry * cells + cell, cell < cells, other=0.0)
        if tl.max(weight, 0) > 0:
            at = grad + tl.load(region + entry) * channels + channel
            sent = tl.load(at, channel < channels, other=0.0).to(tl.float32)
            total += (weight * tl.load(share + entry))[:, None] * sent[None, :]
    at = spread + (tile.to(tl.int64) * cells + cell)[:, None] * channels + channel[None, :]
    tl.store(at, total.to(spread.dtype.element_ty), (cell < cells)[:, None] & (channel < channels)[None, :])
