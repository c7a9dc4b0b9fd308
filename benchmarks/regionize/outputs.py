"""Exporting regionized questions: in R4D-Bench's layout, and as lines of annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from benchmarks.regionize.item import Regionized
from benchmarks.regionize.run import OpenClip
from models.regions.drawing import draw_regions
from scenes.clip import Clip
from scenes.questions import LETTERS
from scenes.readers.masks.coco import draw_segmentation
from scenes.storage.atomic import new_file, write_text
from training.annotations.converters import write_lines
from training.annotations.media import footage_fields

R4D, ANNOTATIONS = "r4d_bench", "annotations.jsonl"
REGIONS, QUESTIONS, PICTURES, VIDEOS = "regions.json", "test.json", "som", "videos"  # of R4D-Bench


def export_items(items: Iterable[Regionized], open_clip: OpenClip, videos: Path, folder: Path) -> int:
    """Write the items that have regions; return their number.

    `r4d_bench/` has the layout of nvidia/R4D-Bench: `test.json` (rows of id, benchmark, task, video, som_image,
    question with `<obj_1>`, options, answer), `som/`, first frames with marks, and `videos`, a link; beside them
    `regions.json`, rows of id and regions (COCO's `segmentation` on the first frame), which the published files do not
    have. There a region has to be seen in the first frame: items with one that is not are in `annotations.jsonl` alone.

    Args:
        items: regionized questions.
        open_clip: reads the clip of a question.
        videos: folder of the videos.
        folder: where files are written; each appears when it is complete.
    """
    used = [item for item in items if item.regions]
    (folder / ANNOTATIONS).unlink(missing_ok=True)  # a file of no lines is no training data
    if used:
        write_lines((annotation(item, videos) for item in used), folder / ANNOTATIONS, str(folder))
    rows, regions = [], []
    for item, clip in _opened((item for item in used if _in_first_frame(item)), open_clip):
        picture = f"{PICTURES}/{item.asked.name.replace('/', '-')}.png"
        _save(draw_item(item, clip, 0), folder / R4D / picture)
        rows.append(r4d_row(item, picture))
        codes = [{"segmentation": dict(each.masks[0])} for each in item.regions]
        regions.append({"id": item.asked.name, "regions": codes})
    _link(videos, folder / R4D / VIDEOS)
    write_text(folder / R4D / QUESTIONS, json.dumps(rows, ensure_ascii=False, indent=1))
    write_text(folder / R4D / REGIONS, json.dumps(regions))
    return len(used)


def annotation(item: Regionized, videos: Path) -> dict[str, Any]:
    """Write an item as a line of annotations (docs/guides/your_data.md): its question with options, and its answer."""
    question = "\n".join([item.question(), *lettered(item.asked.options)])
    return {
        "id": item.asked.name,
        **footage_fields((videos / item.asked.video).absolute(), item.frames),
        "regions": [[{"rle": dict(code), "frame": t} for t, code in each.masks.items()] for each in item.regions],
        "conversations": [[{"question": question, "answer": item.asked.answer}]],
    }


def r4d_row(item: Regionized, picture: str) -> dict[str, Any]:
    """Write an item as a row of R4D-Bench, whose regions count from 1 and whose answer is the text of an option."""
    asked = item.asked
    letters = dict(zip(LETTERS, asked.options, strict=False))
    return {
        "id": asked.name,
        "benchmark": "region4d",
        "task": asked.category,
        "video": f"{VIDEOS}/{asked.video}",
        "som_image": picture,
        "question": item.question("<obj_{}>", first=1),
        "options": list(asked.options),
        "answer": letters.get(asked.answer, asked.answer),
    }


def lettered(options: Sequence[str]) -> list[str]:
    """Write options with their letters, unless they have them."""
    pairs = list(zip(LETTERS, options, strict=False))
    has = all(re.match(rf"\(?{letter}[).:]", option) for letter, option in pairs)
    return list(options) if has else [f"{letter}. {option}" for letter, option in pairs]


def draw_item(item: Regionized, clip: Clip, frame: int) -> Image.Image:
    """Draw the regions of an item on a frame, each with its number."""
    masks = {k: each.masks[frame] for k, each in enumerate(item.regions) if frame in each.masks}
    drawn = {k: torch.from_numpy(draw_segmentation(code, *clip.size)) for k, code in masks.items()}
    return draw_regions(clip.video[frame], drawn)


def _in_first_frame(item: Regionized) -> bool:
    return all(0 in each.masks for each in item.regions)


def _opened(items: Iterable[Regionized], open_clip: OpenClip) -> Iterator[tuple[Regionized, Clip]]:
    last: tuple[str, Clip] | None = None
    for item in items:
        if last is None or last[0] != item.asked.video:
            last = item.asked.video, open_clip(item.asked)
        yield item, last[1]


def _link(videos: Path, link: Path) -> None:
    """Link to the folder of the videos, in place of an earlier link."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(videos.absolute(), target_is_directory=True)


def _save(picture: Image.Image, path: Path) -> None:
    with new_file(path) as draft:
        picture.save(draft)
