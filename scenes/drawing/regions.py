"""Drawing regions on frames, contact sheets, captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
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
PAPER, INK = (250, 250, 250), (30, 30, 30)


def region_colour(index: int) -> tuple[int, int, int]:
    """Pick the colour of `<region index>`."""
    return PALETTE[index % len(PALETTE)]


def draw_regions(
    image: UInt8[Tensor, "3 height width"], masks: Mapping[int, Bool[Tensor, "height width"]], min_side: int = 320
) -> Image.Image:
    """Tint and outline masks (region index -> mask) on a frame, each with its index.

    A frame whose shorter side is below `min_side` pixels is first enlarged by whole pixels, for legible labels.
    """
    zoom = max(1, round(min_side / min(image.shape[1:])))
    canvas = _enlarge(image, zoom).float()
    line = max(2, min(canvas.shape[1:]) // 160)
    for index, mask in masks.items():
        large = _enlarge(mask[None], zoom)[0]
        colour = torch.tensor(region_colour(index)).float()[:, None]
        canvas[:, large] += TINT * (colour - canvas[:, large])
        canvas[:, _outline(large, line)] = colour
    picture = _to_picture(canvas.to(torch.uint8))
    for index, mask in masks.items():
        if mask.any():
            _draw_label(picture, str(index), _anchor(_enlarge(mask[None], zoom)[0]), region_colour(index))
    return picture


def contact_sheet(pictures: Sequence[Image.Image], columns: int, titles: Sequence[str] = ()) -> Image.Image:
    """Lay pictures out in rows of `columns`, with a title above each if given; cells have the size of the largest."""
    width, height = max(p.width for p in pictures), max(p.height for p in pictures)
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    font = _font(max(13, width // 28))
    head = round(font.size * 1.6) if titles else 0
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + head + GAP) + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, picture in enumerate(pictures):
        x, y = GAP + i % columns * (width + GAP), GAP + i // columns * (height + head + GAP)
        if titles:
            draw.text((x, y + head / 2), titles[i], INK, font, anchor="lm")
        sheet.paste(picture, (x, y + head))
    return sheet


def add_caption(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    """Write lines below a picture, wrapped to its width; `<region k>` stands in the colour of its region."""
    font = _font(max(15, picture.width // 45))
    leading = round(font.size * 1.4)
    rows = [row for line in lines for row in _wrap(line, font, picture.width - 2 * GAP)]
    sheet = Image.new("RGB", (picture.width, picture.height + leading * len(rows) + 2 * GAP), PAPER)
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
    titles = [f"frame {i}, {clip.seconds[i]:.2f} s" for i in chosen]
    lines = [f"Q: {question}", f"A: {answer}", *([] if truth is None else [f"Truth: {truth}"])]
    return add_caption(contact_sheet(pictures, min(2, len(pictures)), titles), lines)


def _spread(marked: Sequence[int], length: int, count: int) -> list[int]:
    """Choose up to `count` frames: marked ones uniformly, then others uniformly."""
    chosen = [marked[i] for i in uniform_frames(len(marked), count)]
    others = [i for i in range(length) if i not in marked]
    return sorted(chosen + [others[i] for i in uniform_frames(len(others), count - len(chosen))])


def _enlarge(image: Tensor, zoom: int) -> Tensor:
    return image.repeat_interleave(zoom, -1).repeat_interleave(zoom, -2)


def _outline(mask: Bool[Tensor, "height width"], thickness: int) -> Bool[Tensor, "height width"]:
    """Mark the pixels of a mask that lie within `thickness` pixels of its border."""
    outside = (~mask).float()[None, None]
    near = torch.nn.functional.max_pool2d(outside, 2 * thickness + 1, 1, thickness)[0, 0] > 0
    return mask & near


def _anchor(mask: Bool[Tensor, "height width"]) -> tuple[int, int]:
    """Find the pixel (x, y) of a mask that is nearest to its centroid: a label there lies on the region."""
    pixels = mask.nonzero().float()
    y, x = pixels[(pixels - pixels.mean(0)).norm(dim=1).argmin()].tolist()
    return int(x), int(y)


def _draw_label(picture: Image.Image, text: str, centre: tuple[int, int], colour: tuple[int, int, int]) -> None:
    font = _font(max(14, min(picture.size) // 22))
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = draw.textbbox(centre, text, font, anchor="mm")
    draw.rounded_rectangle((left - 4, top - 3, right + 4, bottom + 3), 4, colour, INK)
    draw.text(centre, text, INK, font, anchor="mm")


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this build of Pillow has no FreeType: install Pillow from PyPI to draw text")
    return font


def _wrap(line: str, font: ImageFont.FreeTypeFont, width: int) -> list[list[str]]:
    """Split a line into rows of words that fit `width` pixels."""
    rows: list[list[str]] = [[]]
    for word in line.split():
        if rows[-1] and font.getlength(" ".join([*rows[-1], word])) > width:
            rows.append([])
        rows[-1].append(word)
    return rows


def _to_picture(image: UInt8[Tensor, "3 height width"]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(rearrange(image, "rgb height width -> height width rgb").numpy()))
