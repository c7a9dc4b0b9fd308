"""The pages of a review, which work from their files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.region_qa.tasks.published.options import listed
from benchmarks.regionize.item import GroundedPhrase, Regionized
from benchmarks.regionize.outputs import draw_item
from benchmarks.regionize.review import FORMAT
from benchmarks.regionize.run import OpenClip
from models.regions.drawing import region_colour
from scenes.clip import Clip
from scenes.drawing.data_url import jpeg_url

TEMPLATE = Path(__file__).parent / "templates" / "review.html"
PLACE = "/*ITEMS*/"
PER_PAGE = 200  # items; a page holds their pictures, about 100 kB an item


def review_pages(
    items: Iterable[Regionized], open_clip: OpenClip, title: str, digest: str
) -> Iterator[tuple[str, str]]:
    """Build the pages, one after the other: name of the file, and HTML, which loads nothing from elsewhere.

    An item is shown with all frames that have candidates, and its last one. Items without frames are left out.

    Args:
        items: regionized questions.
        open_clip: reads the clip of a question.
        title: title of all pages.
        digest: sha256 of the file of the items, which decisions on them hold.
    """
    seen = [item for item in items if item.frames]
    parts = [seen[start : start + PER_PAGE] for start in range(0, len(seen), PER_PAGE)] or [[]]
    names = ["review.html", *(f"review-{page}.html" for page in range(2, len(parts) + 1))]
    for page, part in enumerate(parts):
        shown = [_shown(item, open_clip(item.asked)) for item in part]
        head = {"format": FORMAT, "title": title, "items_sha256": digest, "page": page, "pages": names}
        text = json.dumps({**head, "items": shown}, ensure_ascii=False).replace("</", "<\\/")  # ends no script
        yield names[page], TEMPLATE.read_text(encoding="utf-8").replace(PLACE, text)


def _shown(item: Regionized, clip: Clip) -> dict[str, Any]:
    height, width = clip.size
    found = sorted({c.frame for each in item.named for c in each.candidates}) or [0]
    last = max((max(each.masks) for each in item.regions), default=len(clip) - 1)
    frames = list(dict.fromkeys([*found, last]))
    return {
        "id": item.asked.name,
        "question": item.asked.question,
        "options": listed(item.asked.options),
        "answer": item.asked.answer,
        "dropped": item.dropped,
        "size": [width, height],
        "pictures": [{"frame": frame, "url": _url(draw_item(item, clip, frame))} for frame in frames],
        "named": [_phrase(each, colour) for each, colour in zip(item.named, _colours(item), strict=True)],
    }


def _colours(item: Regionized) -> list[tuple[int, int, int]]:
    """Colour phrases: with a region as their mask is drawn, the others after these."""
    kept = [k for k, each in enumerate(item.named) if each in item.regions]
    order = [*kept, *(k for k in range(len(item.named)) if k not in kept)]
    return [region_colour(order.index(k)) for k in range(len(item.named))]


def _phrase(named: GroundedPhrase, colour: tuple[int, int, int]) -> dict[str, Any]:
    return {
        "words": named.phrase.words,
        "spans": named.phrase.spans,
        "colour": "rgb({},{},{})".format(*colour),
        "chosen": named.chosen if not named.dropped else None,
        "dropped": named.dropped,
        "candidates": [{"frame": c.frame, "box": c.box, "score": round(c.score, 3)} for c in named.candidates],
    }


def _url(picture: Image.Image, side: int = 480) -> str:
    scale = min(1.0, side / max(picture.size))
    small = picture.resize((round(scale * picture.width), round(scale * picture.height)))
    return jpeg_url(small)
