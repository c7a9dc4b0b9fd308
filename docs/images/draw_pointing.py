"""Draws the picture of docs/guides/pointing.md: python docs/images/draw_pointing.py [FOLDER]."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw

from models.queries.pointing import WAYS, Pointing
from models.queries.query import Query
from models.regions.drawing import INK, label_font
from scenes.questions import region_of
from scenes.worlds import WorldConfig, make_world, render

WORLD = WorldConfig(height=150, width=200, frames=1, objects=(4, 6), cameras=("static",), noise=0.0)
SEED = 20_000_009  # no shipped checkpoint was trained on worlds from 20,000,000 on
OBJECTS = (0, 2)  # of medium size in this world
QUESTION = "Which is wider? (A) <region0> (B) <region1>"
MARGIN, TEXT_HEIGHT, LINE, COLUMNS = 8, 62, 15, 30


def main(folder: str | Path = Path(__file__).parent) -> None:
    """Draw the same question asked in four ways: above what the model is shown, below what it reads."""
    (clip,) = render([make_world(SEED, WORLD)], "cpu", ())
    query = Query(clip, [region_of(clip, k) for k in OBJECTS], QUESTION)
    height, width = WORLD.height, WORLD.width
    panels = [Pointing(way).apply(query) for way in WAYS]
    widths = [width if len(panel.clip.video) == 1 else width + MARGIN + width // 2 for panel in panels]
    sheet = Image.new("RGB", (sum(widths) + MARGIN * (len(widths) + 1), height + TEXT_HEIGHT + 40), "white")
    draw, font, left = ImageDraw.Draw(sheet), label_font(13), MARGIN
    for way, panel, wide in zip(WAYS, panels, widths, strict=True):
        draw.text((left, 6), f"pointing={way}", INK, label_font(15))
        frames = [Image.fromarray(frame.permute(1, 2, 0).numpy()) for frame in panel.clip.video]
        sheet.paste(frames[0], (left, 30))
        for number, crop in enumerate(frames[1:]):
            small = crop.resize((width // 2, height // 2))
            sheet.paste(small, (left + width + MARGIN, 30 + number * height // 2))
        for row, line in enumerate(textwrap.wrap(panel.text, COLUMNS * wide // width)):
            draw.text((left, height + 36 + LINE * row), line, INK, font)
        left += wide + MARGIN
    sheet.save(Path(folder) / "pointing.jpg", quality=72)


if __name__ == "__main__":
    main(*sys.argv[1:])
