"""Drawing regions on frames, contact sheets, captions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from models.regions import Region
from models.sr3d.inputs.mentions import mentioned
from scenes.clip import Clip, uniform_frames
from scenes.storage.atomic import new_file

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
GAP = 8
LONGEST, THINNEST = 2000, 48  # sides of a drawn frame, pixels
NARROWEST_CAPTION = 320
PAPER, INK = (250, 250, 250), (30, 30, 30)


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


def contact_sheet(pictures: Sequence[Image.Image], columns: int, titles: Sequence[str] = ()) -> Image.Image:
    """Lay pictures out in rows of `columns`, with a title above each if given; cells have the size of the largest."""
    width, height = max(p.width for p in pictures), max(p.height for p in pictures)
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    font = _font(max(13, width // 28))
    head = round(font.size * 1.6) if titles else 0
    if width < NARROWEST_CAPTION:  # too narrow for its titles
        width = max(width, *(math.ceil(font.getlength(title)) for title in titles)) if titles else width
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + head + GAP) + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, picture in enumerate(pictures):
        x, y = GAP + i % columns * (width + GAP), GAP + i // columns * (height + head + GAP)
        if titles:
            draw.text((x, y + head / 2), titles[i], INK, font, anchor="lm")
        sheet.paste(picture, (x, y + head))
    return sheet


def add_caption(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    """Write lines below a picture, wrapped to its width; `<region k>` stands in the colour of its region.

    A picture narrower than 320 pixels gets paper on its right.
    """
    width = max(picture.width, NARROWEST_CAPTION)
    font = _font(max(15, width // 45))
    leading = round(font.size * 1.4)
    rows = [row for line in lines for row in _wrap(line, font, width - 2 * GAP)]
    sheet = Image.new("RGB", (width, picture.height + leading * len(rows) + 2 * GAP), PAPER)
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        x, y = float(GAP), picture.height + GAP + i * leading
        for word in row:
            if regions := mentioned(word):
                box = draw.textbbox((x, y), word, font)
                draw.rounded_rectangle((box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2), 3, region_colour(regions[0]))
            draw.text((x, y), word, INK, font)
            x += font.getlength(word + " ")
    return sheet


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture in one step: a file under its final name is complete."""
    with new_file(path) as draft:
        picture.save(draft)


def draw_answer(
    clip: Clip, regions: Sequence[Region], question: str, answer: str, frames: int = 4, truth: str | None = None
) -> Image.Image:
    """Draw a question and its answer below up to `frames` frames; frames with a marked region take precedence.

    Frames keep their order and carry their times. `truth` is written below the answer if given.
    """
    marked = sorted({frame for region in regions for frame in region.masks})
    chosen = _spread(marked, len(clip), frames)
    pictures = [
        draw_regions(clip.video[i], {k: r.masks[i] for k, r in enumerate(regions) if i in r.masks}) for i in chosen
    ]
    titles = [f"frame {i}, {clip.seconds[i]:.2f} s{_stretch(clip)}" for i in chosen]
    lines = [f"Q: {question}", f"A: {answer}", *([] if truth is None else [f"Truth: {truth}"])]
    return add_caption(contact_sheet(pictures, min(2, len(pictures)), titles), lines)


def _stretch(clip: Clip) -> str:
    """Say that the frames are drawn with another aspect than they have."""
    (height, width), (drawn_height, drawn_width) = clip.size, drawn_size(*clip.size)
    times = drawn_height * width / (drawn_width * height)
    if 0.9 < times < 1.1:
        return ""
    return f", drawn {times:.0f} times as high" if times > 1 else f", drawn {1 / times:.0f} times as wide"


def _spread(marked: Sequence[int], length: int, count: int) -> list[int]:
    """Choose up to `count` frames: marked ones uniformly, then others uniformly."""
    chosen = [marked[i] for i in uniform_frames(len(marked), count)]
    others = [i for i in range(length) if i not in marked]
    return sorted(chosen + [others[i] for i in uniform_frames(len(others), count - len(chosen))])


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
    outside = torch.from_numpy(~mask).float()[None, None]
    for kernel, padding in (((2 * thickness + 1, 1), (thickness, 0)), ((1, 2 * thickness + 1), (0, thickness))):
        outside = torch.nn.functional.max_pool2d(outside, kernel, 1, padding)
    border: np.ndarray = mask & (outside[0, 0].numpy() > 0)
    return border


def _anchor(mask: Bool[np.ndarray, "height width"]) -> tuple[int, int]:
    """Find the pixel (x, y) of a mask that is nearest to its centroid: a label there lies on the region."""
    y, x = mask.nonzero()
    nearest = int(((y - y.mean()) ** 2 + (x - x.mean()) ** 2).argmin())
    return int(x[nearest]), int(y[nearest])


def _draw_label(picture: Image.Image, text: str, centre: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """Write a label on a region; one that would leave the picture is moved into it."""
    font = _font(max(14, min(picture.size) // 22, min(max(picture.size) // 80, min(picture.size) // 2)))
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


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this build of Pillow has no FreeType: install Pillow from PyPI to draw text")
    return font


def _wrap(line: str, font: ImageFont.FreeTypeFont, width: int) -> list[list[str]]:
    """Split a line into rows of words that fit `width` pixels; a word that is wider than a row is broken."""
    rows: list[list[str]] = [[]]
    for word in (part for whole in line.split() for part in _broken(whole, font, width)):
        if rows[-1] and font.getlength(" ".join([*rows[-1], word])) > width:
            rows.append([])
        rows[-1].append(word)
    return rows


def _broken(word: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a word, such as a sentence of Chinese, into parts that fit `width` pixels."""
    if font.getlength(word) <= width or mentioned(word):
        return [word]
    count = max(1, int(width // font.getlength("M")))  # M is the widest of the letters
    return [word[i : i + count] for i in range(0, len(word), count)]
