"""Tiling of images and masks in one pass: resize, cut and convert, each pixel read and written once."""

from __future__ import annotations

from typing import Any, no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from models.regions import tiling
from models.regions.kernels.windows import Windows, bicubic, marked
from models.regions.tiling import Resizer, TilePlan

TYPES = (torch.uint8, torch.float32, torch.float16, torch.bfloat16)
HELD = 4096  # values that one program holds between the vertical and the horizontal sum


def tile_image(
    image: Shaped[Tensor, "*batch channel height width"], plan: TilePlan, resizer: Resizer = "torchvision"
) -> Shaped[Tensor, "*batch tile channel side side"]:
    """Tile an image as `models.regions.tile_image` does, with sums in float32.

    uint8 is rounded once, as torchvision does on a GPU. The tables of weights of a new size are sent to the device.
    Pillow's resizer, and types other than uint8 and floats of 16 or 32 bits, take the way of that function.
    """
    if resizer != "torchvision" or image.dtype not in TYPES:
        return tiling.tile_image.__wrapped__(image, plan, resizer)  # type: ignore[attr-defined,no-any-return]
    tiles: Tensor = _Tiling.apply(image, plan)
    return tiles


def tile_mask(mask: Bool[Tensor, "*batch height width"], plan: TilePlan) -> Bool[Tensor, "*batch tile side side"]:
    """Tile a mask as `models.regions.tile_mask` does: no pixel is lost."""
    height, width = mask.shape[-2:]
    windows = marked(height, plan.size[0], mask.device), marked(width, plan.size[1], mask.device)
    tiles = _resample(mask[..., None, :, :].view(torch.uint8), plan.size, *windows, plan, any_of=True)
    return tiles[..., 0, :, :].view(torch.bool)


class _Tiling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, plan: TilePlan) -> Tensor:
        ctx.size, ctx.plan = image.shape[-2:], plan
        rows, cols = (bicubic(old, new, image.device) for old, new in zip(ctx.size, plan.size, strict=True))
        return _resample(image, plan.size, rows, cols, plan)

    @staticmethod
    def backward(ctx: Any, grad: Float[Tensor, "*batch tile channel side side"]) -> tuple[Tensor, None]:  # type: ignore[override]
        rows, cols = (bicubic(old, new, grad.device, True) for old, new in zip(ctx.size, ctx.plan.size, strict=True))
        return _resample(grad, tuple(ctx.size), rows, cols, ctx.plan, cut=False), None


def _resample(
    source: Shaped[Tensor, "..."],
    size: tuple[int, int],
    rows: Windows,
    cols: Windows,
    plan: TilePlan,
    cut: bool = True,
    any_of: bool = False,
) -> Shaped[Tensor, "..."]:
    """Resize pictures (... channel y x) to `size` and cut them into tiles (... tile channel y x), or do it backwards.

    A new pixel is the weighted sum of its window, or with `any_of` whether one of its pixels is not 0.
    """
    tiles = (len(plan), source.shape[-3], plan.tile, plan.tile)
    lead, old = (source.shape[:-3], source.shape[-2:]) if cut else (source.shape[:-4], plan.size)
    target = source.new_empty((*lead, *tiles) if cut else (*lead, source.shape[-3], *size))
    block = max(1, min(32, HELD // cols.span))
    with torch.cuda.device_of(source):
        grid = (lead.numel() * source.shape[-3], triton.cdiv(size[0], block), triton.cdiv(size[1], cols.block))
        if grid[0]:
            _resample_kernel[grid](
                *(source.contiguous(), target, rows.first, rows.weight, cols.first, cols.weight),
                *(source.shape[-3], *old, *size, plan.tile, plan.cols, len(plan)),
                ROW_RUN=rows.weight.shape[1],
                COL_RUN=cols.weight.shape[1],
                BLOCK_Y=block,
                BLOCK_X=cols.block,
                SPAN=cols.span,
                CUT=cut,
                ANY=any_of,
                ROUND=source.dtype == torch.uint8,
            )
    return target


@triton.jit
@no_type_check
def _place(y, x, plane, channels, height, width, tile, tile_cols, tiles, TILED: tl.constexpr):
    """Find pixels (y, x) of a plane: of a picture (plane y x), or of its tiles (tile channel y x)."""
    if TILED:
        image, channel = plane // channels, plane % channels
        area = channels * tile * tile
        row = (y // tile) * tile_cols * area + (y % tile) * tile
        col = (x // tile) * area + x % tile
        start = (image.to(tl.int64) * tiles * channels + channel) * tile * tile
    else:
        row, col, start = y * width, x, plane.to(tl.int64) * height * width
    return start + row[:, None] + col[None, :]


@triton.jit
@no_type_check
def _resample_kernel(
    source,
    target,
    row_first,
    row_weight,
    col_first,
    col_weight,
    channels,
    height,
    width,
    new_height,
    new_width,
    tile,
    tile_cols,
    tiles,
    ROW_RUN: tl.constexpr,
    COL_RUN: tl.constexpr,
    BLOCK_Y: tl.constexpr,
    BLOCK_X: tl.constexpr,
    SPAN: tl.constexpr,
    CUT: tl.constexpr,
    ANY: tl.constexpr,
    ROUND: tl.constexpr,
):
    """Sum rows of pixels, then pixels of those sums: a block of BLOCK_Y x BLOCK_X new pixels of one plane."""
    plane = tl.program_id(0)
    new_y = tl.program_id(1) * BLOCK_Y + tl.arange(0, BLOCK_Y)
    new_x = tl.program_id(2) * BLOCK_X + tl.arange(0, BLOCK_X)
    first_y = tl.load(row_first + new_y, new_y < new_height, other=0)
    first_x = tl.load(col_first + new_x, new_x < new_width, other=0)
    left = tl.load(col_first + tl.program_id(2) * BLOCK_X)
    x = left + tl.arange(0, SPAN)
    held = tl.zeros([BLOCK_Y, SPAN], tl.float32)
    for k in range(ROW_RUN):
        y = first_y + k
        weight = tl.load(row_weight + new_y * ROW_RUN + k, new_y < new_height, other=0.0)
        place = _place(y, x, plane, channels, height, width, tile, tile_cols, tiles, not CUT)
        there = ((y < height) & (weight != 0))[:, None] & (x < width)[None, :]
        held += weight[:, None] * tl.load(source + place, there, other=0).to(tl.float32)
    made = tl.zeros([BLOCK_Y, BLOCK_X], tl.float32)
    for k in range(COL_RUN):
        weight = tl.load(col_weight + new_x * COL_RUN + k, new_x < new_width, other=0.0)
        step = tl.minimum(tl.maximum(first_x + k - left, 0), SPAN - 1)
        made += weight[None, :] * tl.gather(held, tl.broadcast_to(step[None, :], [BLOCK_Y, BLOCK_X]), 1)
    if ANY:
        made = (made > 0).to(tl.float32)
    elif ROUND:
        made = tl.floor(tl.minimum(tl.maximum(made, 0.0), 255.0) + 0.5)
    place = _place(new_y, new_x, plane, channels, new_height, new_width, tile, tile_cols, tiles, CUT)
    inside = (new_y < new_height)[:, None] & (new_x < new_width)[None, :]
    tl.store(target + place, made.to(target.dtype.element_ty), inside)
