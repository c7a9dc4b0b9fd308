"""Which old pixels each new pixel along an axis is made of, and with which weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float32, Float64, Int32, Int64
from torch import Tensor

BLOCKS = (64, 32, 16)  # new pixels of a row that one program makes, from the most
WIDEST = 256  # old pixels of a row that one program holds, where a block of the fewest allows


@dataclass(frozen=True)
class Windows:
    """Runs of old pixels, which start at `first` (ascending), with their weights (0 beyond a run).

    A program that makes `block` new pixels reads at most `span` old ones; both are powers of two.
    """

    first: Int32[Tensor, "new"]
    weight: Float32[Tensor, "new run"]
    block: int
    span: int


@lru_cache(maxsize=64)
def bicubic(size: int, count: int, device: torch.device, transposed: bool = False) -> Windows:
    """Resize an axis of `size` pixels to `count` by the antialiased bicubic filter, or apply the transpose of that.

    The filter (a = -0.5) is stretched by the ratio of the sizes where the axis shrinks, cut at the borders, and
    normalised. Source: Keys, "Cubic convolution interpolation" (1981), as Pillow and torch have it.
    """
    ratio = size / count
    stretch = max(ratio, 1.0)
    centre = (torch.arange(count, dtype=torch.float64) + 0.5) * ratio
    first = (centre - 2 * stretch + 0.5).long().clamp_min(0)
    end = (centre + 2 * stretch + 0.5).long().clamp_max(size)
    return _windows(
        first, end, size, device, transposed, lambda pixel: _keys((pixel + 0.5 - centre[:, None]) / stretch)
    )


@lru_cache(maxsize=64)
def marked(size: int, count: int, device: torch.device) -> Windows:
    """Resize an axis of a mask as `tile_mask` does: the nearest pixel, or all that fall into a new pixel."""
    new = torch.arange(count)
    if count >= size:
        first = (2 * new + 1) * size // (2 * count)
        end = first + 1
    else:
        holder = (2 * torch.arange(size) + 1) * count // (2 * size)  # the new pixel that each old one falls into
        first, end = torch.searchsorted(holder, new), torch.searchsorted(holder, new, right=True)
    return _windows(first, end, size, device, False, lambda pixel: torch.ones_like(pixel, dtype=torch.float64))


def _keys(x: Float64[Tensor, "new run"]) -> Float64[Tensor, "new run"]:
    x = x.abs()
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def _windows(
    first: Int64[Tensor, "new"],
    end: Int64[Tensor, "new"],
    size: int,
    device: torch.device,
    transposed: bool,
    weigh: Callable[[Tensor], Tensor],
) -> Windows:
    pixel = first[:, None] + torch.arange(int((end - first).max()))
    weight = weigh(pixel).where(pixel < end[:, None], 0.0)
    weight = weight / weight.sum(1, keepdim=True)
    if transposed:
        first, weight = _transpose(first, weight, size)
    block, span = _block(first, weight.shape[1])
    return Windows(_send(first.int(), device), _send(weight.float().contiguous(), device), block, span)


def _send(table: Tensor, device: torch.device) -> Tensor:
    """Move a table without waiting for what the GPU does at the time."""
    return table.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else table.to(device)


def _transpose(
    first: Int64[Tensor, "new"], weight: Float64[Tensor, "new run"], size: int
) -> tuple[Int64[Tensor, "old"], Float64[Tensor, "old _"]]:
    """Find, for each old pixel, the new ones that it takes part in."""
    count, run = weight.shape
    old = torch.arange(size)
    start = torch.searchsorted(first + run, old, right=True).clamp_max(count - 1)
    end = torch.searchsorted(first, old, right=True)
    new = start[:, None] + torch.arange(int((end - start).max()))
    inside = new.clamp_max(count - 1)
    step = (old[:, None] - first[inside]).clamp(0, run - 1)
    taken = (new < end[:, None]) & (old[:, None] - first[inside] == step)
    return start, weight[inside, step].where(taken, 0.0)


def _block(first: Int64[Tensor, "new"], run: int) -> tuple[int, int]:
    """Choose the number of new pixels of a program, and bound the old ones that it reads."""
    for block in BLOCKS:
        start = torch.arange(0, len(first), block)
        last = (start + block - 1).clamp_max(len(first) - 1)
        span = 1 << (int((first[last] - first[start]).max()) + run - 1).bit_length()
        if span <= WIDEST:
            break
    return block, span
