"""Tiling of an image, its point map and its masks into one grid of square tiles, and its inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Int64, Shaped, UInt8
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

from models.geometry import PointMap
from models.regions.kernel_choice import kernel_on_gpu

Resizer = Literal["torchvision", "pillow"]


@dataclass(frozen=True)
class TilePlan:
    """A grid of rows x cols square tiles with a side of `tile` pixels, in row-major order."""

    rows: int
    cols: int
    tile: int

    def __len__(self) -> int:
        return self.rows * self.cols

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the whole grid."""
        return self.rows * self.tile, self.cols * self.tile


def plan_tiles(height: int, width: int, tile: int = 448, max_tiles: int = 12) -> TilePlan:
    """Choose the grid of at most `max_tiles` tiles whose aspect ratio is closest to that of the image.

    Among equally close grids, a larger one is chosen if the image has more than half of its pixels. Ratios are compared
    in floating point like the original, so that plans equal those of published checkpoints.
    Source: `dynamic_preprocess` of InternVL and VILA; SR-3D (arXiv 2509.13317) appendix E for 448 pixels and 12 tiles.

    Raises:
        ValueError: a size or the number of tiles is not positive.
    """
    if min(height, width, tile, max_tiles) < 1:
        raise ValueError(
            f"cannot tile {height} x {width} pixels into at most {max_tiles} tiles of {tile}: all must be > 0"
        )
    grids = [(cols, rows) for cols in range(1, max_tiles + 1) for rows in range(1, max_tiles // cols + 1)]
    best, closest = (1, 1), float("inf")
    for cols, rows in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        distance = abs(width / height - cols / rows)
        large_enough = width * height > 0.5 * tile * tile * cols * rows
        if distance < closest or (distance == closest and large_enough):
            best, closest = (cols, rows), distance
    return TilePlan(rows=best[1], cols=best[0], tile=tile)


@kernel_on_gpu
def tile_image(
    image: Shaped[Tensor, "*batch channel height width"], plan: TilePlan, resizer: Resizer = "torchvision"
) -> Shaped[Tensor, "*batch tile channel side side"]:
    """Tile an image: resize it to the grid (antialiased bicubic, without letterbox), then crop row by row.

    uint8 stays uint8. Published checkpoints saw uint8 pictures that Pillow resized, on the CPU; torchvision differs by
    at most 2 of 255, and takes half the time. Source: see `plan_tiles`.
    """
    if resizer == "pillow":
        return _split(_resize_by_pillow(image, plan.size), plan)
    return _split(resize(image, list(plan.size), InterpolationMode.BICUBIC, antialias=True), plan)


def thumbnail(
    image: Shaped[Tensor, "*batch channel height width"], plan: TilePlan, resizer: Resizer = "torchvision"
) -> Shaped[Tensor, "*batch channel side side"]:
    """Resize the whole image to one tile, the overview that accompanies its tiles."""
    return tile_image(image, TilePlan(1, 1, plan.tile), resizer)[..., 0, :, :, :]


def tile_points(points: PointMap, plan: TilePlan) -> PointMap:
    """Tile a point map by nearest sampling, which never blends points across an edge or a hole."""
    height, width = points.valid.shape[-2:]
    y = _nearest(plan.size[0], height, points.valid)
    x = _nearest(plan.size[1], width, points.valid)
    xyz = points.xyz.index_select(-3, y).index_select(-2, x)
    valid = points.valid.index_select(-2, y).index_select(-1, x)
    grid = {"rows": plan.rows, "cols": plan.cols}
    return PointMap(
        rearrange(xyz, "... (rows y) (cols x) c -> ... (rows cols) y x c", **grid),
        rearrange(valid, "... (rows y) (cols x) -> ... (rows cols) y x", **grid),
        points.frame,
    )


@kernel_on_gpu
def tile_mask(mask: Bool[Tensor, "*batch height width"], plan: TilePlan) -> Bool[Tensor, "*batch tile side side"]:
    """Tile a mask without losing any of its pixels.

    An axis that grows is sampled at the nearest pixel. Along an axis that shrinks, a new pixel is marked if any old
    pixel whose centre it contains is marked, so that a mask of one pixel survives.
    """
    grown = _resize_axis(_resize_axis(mask, -2, plan.size[0]), -1, plan.size[1])
    return _split(grown[..., None, :, :], plan)[..., 0, :, :]


def stitch(
    tiles: Shaped[Tensor, "*batch tile rows cols channel"], plan: TilePlan
) -> Shaped[Tensor, "*batch height width channel"]:
    """Join the feature maps of the tiles to one map of the image: the exact inverse of tiling."""
    whole: Tensor = rearrange(tiles, "... (rows cols) y x c -> ... (rows y) (cols x) c", rows=plan.rows, cols=plan.cols)
    return whole


def _resize_by_pillow(
    image: UInt8[Tensor, "*batch 3 height width"], size: tuple[int, int]
) -> UInt8[Tensor, "*batch 3 rows cols"]:
    pictures = rearrange(image.reshape(-1, *image.shape[-3:]), "n rgb row col -> n row col rgb").cpu().contiguous()
    resized = [
        np.asarray(Image.fromarray(one.numpy()).resize(size[::-1], Image.Resampling.BICUBIC)) for one in pictures
    ]
    whole: Tensor = rearrange(torch.from_numpy(np.stack(resized)), "n row col rgb -> n rgb row col")
    return whole.reshape(*image.shape[:-2], *size).to(image.device)


def _split(image: Tensor, plan: TilePlan) -> Tensor:
    tiles: Tensor = rearrange(image, "... c (rows y) (cols x) -> ... (rows cols) c y x", rows=plan.rows, cols=plan.cols)
    return tiles.contiguous()


def _nearest(count: int, size: int, like: Tensor) -> Int64[Tensor, "count"]:
    """Find, along an axis of `size` pixels, the pixel under the centre of each of `count` new pixels."""
    return (2 * torch.arange(count, device=like.device) + 1) * size // (2 * count)


def _resize_axis(mask: Tensor, axis: int, count: int) -> Tensor:
    size = mask.shape[axis]
    if count == size:
        return mask
    if count > size:
        return mask.index_select(axis, _nearest(count, size, mask))
    holder = _nearest(size, count, mask)  # the new pixel that contains the centre of each old one, ascending
    new = torch.arange(count, device=mask.device)
    first, end = torch.searchsorted(holder, new), torch.searchsorted(holder, new, right=True)
    marked = mask.index_select(axis, first)
    for step in range(1, -(-size // count)):  # the k-th old pixel of every new one, at once
        marked |= mask.index_select(axis, torch.minimum(first + step, end - 1))
    return marked
