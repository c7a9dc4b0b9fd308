"""Contact sheets and captions of frames with regions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from models.regions import Region
from models.regions.drawing import INK, draw_regions, drawn_size, label_font, region_colour
from models.sr3d.text.mentions import mentioned
from scenes.clip import Clip, uniform_frames
from scenes.storage.atomic import new_file
from scenes.storage.destinations import check_file

GAP = 8
NARROWEST_CAPTION = 320
PAPER = (250, 250, 250)


def contact_sheet(pictures: Sequence[Image.Image], columns: int, titles: Sequence[str] = ()) -> Image.Image:
    """Lay pictures out in rows of `columns`, with a title above each if given; cells have the size of the largest."""
    width, height = max(p.width for p in pictures), max(p.height for p in pictures)
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    font = label_font(max(13, width // 28))
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
    font = label_font(max(15, width // 45))
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


def check_picture(path: Path) -> None:
    """Check, before the work, that a picture can be written: its suffix names a format, and nothing is in its way.

    Raises:
        ValueError: the suffix is that of no picture.
        OSError: `path` is a folder, or cannot be written.
    """
    Image.init()
    formats = Image.registered_extensions()
    if formats.get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"'{path}' is not the name of a picture: end it in .png, .jpg or .webp")
    check_file(path)


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
    drawn = drawn_frames(clip, regions, frames)
    lines = [f"Q: {question}", f"A: {answer}", *([] if truth is None else [f"Truth: {truth}"])]
    titles, pictures = zip(*drawn, strict=True)
    return add_caption(contact_sheet(pictures, min(2, len(pictures)), titles), lines)


def drawn_frames(clip: Clip, regions: Sequence[Region], most: int) -> list[tuple[str, Image.Image]]:
    """Draw up to `most` frames with their regions, each with a title; frames with a marked region take precedence."""
    marked = sorted({frame for region in regions for frame in region.masks})
    return [
        (
            f"frame {i}, {clip.seconds[i]:.2f} s{_stretch(clip)}",
            draw_regions(clip.video[i], {k: r.masks[i] for k, r in enumerate(regions) if i in r.masks}),
        )
        for i in _spread(marked, len(clip), most)
    ]


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
