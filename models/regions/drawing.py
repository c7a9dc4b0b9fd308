"""Drawing regions on frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from models.regions.region import Region

# Okabe and Ito's colours for all kinds of colour vision, and three more; a region takes the colour of its index.
PALETTE = (
    (230, 159, 0),
    (86, 180, 233),
    (240, 90, 200),
    (0, 200, 120),
    (240, 228, 66),
    (30, 110, 230),
    (213, 60, 0),
    (160, 100, 255),
    (150, 220, 40),
    (255, 150, 150),
)
TINT = 0.35
LONGEST, THINNEST = 2000, 48  # sides of a drawn frame, pixels
INK = (30, 30, 30)


def region_colour(index: int) -> tuple[int, int, int]:
    """Pick the colour of `<region index>`."""
    return PALETTE[index % len(PALETTE)]


def draw_regions(
    image: UInt8[Tensor, "3 height width"], masks: Mapping[int, Bool[Tensor, "height width"]], min_side: int = 320
) -> Image.Image:
    """Tint and outline masks (region index -> mask) on a frame, each with its index; see `drawn_size` for the size."""
    size = drawn_size(image.shape[1], image.shape[2], min_side)
    canvas = _resized(image, size)
    line = max(2, min(size) // 160)
    drawn = {index: _resized_mask(mask, size) for index, mask in masks.items()}
    for index, mask in drawn.items():
        colour = np.array(region_colour(index), np.float32)
        inside = canvas[mask].astype(np.float32)
        canvas[mask] = (inside + np.float32(TINT) * (colour - inside)).astype(np.uint8)
        canvas[_outline(mask, line)] = region_colour(index)
    picture = Image.fromarray(canvas)
    for index, mask in drawn.items():
        if mask.any():
            _draw_label(picture, str(index), _anchor(mask), region_colour(index))
    return picture


def mark_regions(
    video: UInt8[Tensor, "time 3 height width"], regions: Sequence[Region]
) -> UInt8[Tensor, "time 3 height width"]:
    """Draw regions with their indices on the frames that mark them, at the size of the frames (set-of-mark prompting).

    Source: Set-of-Mark (arXiv 2310.11441); 4D-RGPT (arXiv 2512.17012) marks regions so for models without region
    tokens.
    """
    marked = video.clone()
    for frame in {i for region in regions for i in region.masks}:
        masks = {k: region.masks[frame] for k, region in enumerate(regions) if frame in region.masks}
        picture = draw_regions(video[frame].cpu(), masks, min_side=1).resize((video.shape[3], video.shape[2]))
        marked[frame] = rearrange(torch.from_numpy(np.array(picture)), "row col rgb -> rgb row col").to(video.device)
    return marked


def drawn_size(height: int, width: int, min_side: int = 320) -> tuple[int, int]:
    """Choose the size (height, width) at which a frame is drawn, for legible labels in bounded memory.

    A frame whose shorter side is below `min_side` pixels is enlarged by whole pixels while its longer side stays within
    2,000 pixels; a frame with a longer side than that is reduced to it. What is still thinner than 48 pixels (or
    `min_side`) is stretched to that.
    """
    short, long = min(height, width), max(height, width)
    zoom: float = max(1, min(round(min_side / short), LONGEST // long)) if long <= LONGEST else LONGEST / long
    thinnest = min(THINNEST, min_side)
    return max(thinnest, round(zoom * height)), max(thinnest, round(zoom * width))


def _resized(image: UInt8[Tensor, "3 height width"], size: tuple[int, int]) -> UInt8[np.ndarray, "_ _ 3"]:
    """Resize a frame: by nearest pixels where a side grows, by their mean where it shrinks."""
    return np.stack([_resized_plane(plane.numpy(), size) for plane in image], -1)


def _resized_plane(plane: UInt8[np.ndarray, "height width"], size: tuple[int, int]) -> UInt8[np.ndarray, "_ _"]:
    height, width = plane.shape
    reduced = min(size[0], height), min(size[1], width)
    picture = Image.fromarray(np.ascontiguousarray(plane))
    for (rows, cols), method in ((reduced, Image.Resampling.BOX), (size, Image.Resampling.NEAREST)):
        if picture.size != (cols, rows):
            picture = picture.resize((cols, rows), method)
    return np.asarray(picture)


def _resized_mask(mask: Bool[Tensor, "height width"], size: tuple[int, int]) -> Bool[np.ndarray, "_ _"]:
    """Resize a mask; where it shrinks, a pixel is marked if any pixel in it is, so that none is lost."""
    rows = _resized_rows(mask.numpy(), size[0])
    return np.ascontiguousarray(_resized_rows(rows.T, size[1]).T)


def _resized_rows(mask: Bool[np.ndarray, "old width"], new: int) -> Bool[np.ndarray, "new width"]:
    old = len(mask)
    start = np.arange(new + 1) * old // new
    if new >= old:
        return mask[start[:-1]]
    return np.stack([mask[a:b].any(0) for a, b in pairwise(start)])  # np.logical_or.reduceat takes 40 times as long


def _outline(mask: Bool[np.ndarray, "height width"], thickness: int) -> Bool[np.ndarray, "height width"]:
    """Mark the pixels of a mask that lie within `thickness` pixels of its border, along both axes."""
    near = ~mask  # and, after each step, what lies within `reach` rows or columns of it
    for rows in (near, near.T):
        reach = 0
        while reach < thickness:
            step = min(reach + 1, thickness - reach)
            before, after = rows[:-step].copy(), rows[step:].copy()
            rows[step:] |= before
            rows[:-step] |= after
            reach += step
    border: np.ndarray = mask & near
    return border


def _anchor(mask: Bool[np.ndarray, "height width"]) -> tuple[int, int]:
    """Find the pixel (x, y) of a mask that is nearest to its centroid: a label there lies on the region."""
    y, x = mask.nonzero()
    nearest = int(((y - y.mean()) ** 2 + (x - x.mean()) ** 2).argmin())
    return int(x[nearest]), int(y[nearest])


def _draw_label(picture: Image.Image, text: str, centre: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """Write a label on a region; one that would leave the picture is moved into it."""
    font = label_font(max(14, min(picture.size) // 22, min(max(picture.size) // 80, min(picture.size) // 2)))
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = draw.textbbox(centre, text, font, anchor="mm")
    x = centre[0] + _inward(left - 5, right + 5, picture.width)
    y = centre[1] + _inward(top - 4, bottom + 4, picture.height)
    left, top, right, bottom = draw.textbbox((x, y), text, font, anchor="mm")
    draw.rounded_rectangle((left - 4, top - 3, right + 4, bottom + 3), 4, colour, INK)
    draw.text((x, y), text, INK, font, anchor="mm")


def _inward(start: int | float, end: int | float, length: int) -> int | float:
    """Tell how far to move a span so that it lies within 0 to `length`."""
    return max(0, -start) - max(0, end - length)


def label_font(size: int) -> ImageFont.FreeTypeFont:
    """Open the font of labels and captions."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this build of Pillow has no FreeType: install Pillow from PyPI to draw text")
    return font
