"""Exporting regionized questions: in R4D-Bench's layout, and as lines of annotations."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import torch
from PIL import Image

from benchmarks.region_qa.tasks.published.options import listed
from benchmarks.regionize.item import Regionized
from benchmarks.regionize.run import OpenClip
from models.regions.drawing import draw_regions
from scenes.clip import Clip
from scenes.readers.masks.coco import draw_segmentation
from scenes.storage.atomic import new_file, write_text
from training.annotations.converters import write_lines
from training.annotations.media import footage_fields

R4D, ANNOTATIONS = "r4d_bench", "annotations.jsonl"
REGIONS, QUESTIONS, PICTURES, VIDEOS = "regions.json", "test.json", "som", "videos"  # of R4D-Bench


@dataclass
class Export:
    """How many items have regions, how many of these each layout holds, and why it leaves others out."""

    items: int
    annotations: int = 0
    r4d: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def export_items(items: Iterable[Regionized], open_clip: OpenClip, videos: Path, folder: Path, run: Path) -> Export:
    """Write the items that have regions.

    `r4d_bench/` has the layout of nvidia/R4D-Bench: `test.json` (rows of id, benchmark, task, video, som_image,
    question with `<obj_1>`, options, answer), `som/`, first frames with marks, and `videos`, a link; beside them
    `regions.json`, rows of id and regions (COCO's `segmentation` on the first frame), which the published files do not
    have. Questions there have options, and regions that are all in the first frame: others are in `annotations.jsonl`
    alone.

    Args:
        items: regionized questions.
        open_clip: reads the clip of a question.
        videos: folder of the videos.
        folder: where files are written; each appears when it is complete.
        run: folder of the run. The link to videos inside it is relative, so that it can be moved.

    Raises:
        ValueError: a folder is where the link is written.
    """
    refuse_videos(folder)
    used = [item for item in items if item.regions]
    done = Export(len(used))
    (folder / ANNOTATIONS).unlink(missing_ok=True)  # a file of no lines is no training data
    if used:
        written = write_lines((annotation(item, videos) for item in used), folder / ANNOTATIONS, str(folder))
        done.annotations = written.written
        done.left_out.update({f"{ANNOTATIONS}: {why}": count for why, count in written.left_out.items()})
    reasons = [not_in_r4d(item) for item in used]
    done.left_out.update(f"{R4D}: {why}" for why in reasons if why)
    rows, regions = list[dict[str, Any]](), list[dict[str, Any]]()
    for item, clip in _opened((item for item, why in zip(used, reasons, strict=True) if not why), open_clip):
        picture = f"{PICTURES}/{len(rows):05d}.png"
        _save(draw_item(item, clip, 0), folder / R4D / picture)
        rows.append(r4d_row(item, picture))
        codes = [{"segmentation": dict(each.masks[0])} for each in item.regions]
        regions.append({"id": item.asked.name, "regions": codes})
    done.r4d = len(rows)
    _link(videos, folder / R4D / VIDEOS, run)
    write_text(folder / R4D / QUESTIONS, json.dumps(rows, ensure_ascii=False, indent=1))
    write_text(folder / R4D / REGIONS, json.dumps(regions))
    return done


def annotation(item: Regionized, videos: Path) -> dict[str, Any]:
    """Write an item as a line of annotations (docs/guides/your_data.md): its question with options, and its answer."""
    question = "\n".join([item.question(), *listed(item.asked.options)])
    return {
        "id": item.asked.name,
        **footage_fields((videos / item.asked.video).absolute(), item.frames),
        "regions": [[{"rle": dict(code), "frame": t} for t, code in each.masks.items()] for each in item.regions],
        "conversations": [[{"question": question, "answer": item.asked.answer}]],
    }


def not_in_r4d(item: Regionized) -> str:
    """Say why R4D-Bench's layout cannot hold an item; empty where it can."""
    texts = [option.strip().lower() for option in item.asked.options]
    if not texts:
        return "no options"
    if texts.count(texts[ascii_uppercase.index(item.asked.answer)]) > 1:
        return "two options have the text of the answer"
    return "" if all(0 in each.masks for each in item.regions) else "a region is not in the first frame"


def r4d_row(item: Regionized, picture: str) -> dict[str, Any]:
    """Write an item as a row of R4D-Bench, whose regions count from 1 and whose answer is the text of an option."""
    asked = item.asked
    return {
        "id": asked.name,
        "benchmark": "region4d",
        "task": asked.category,
        "video": f"{VIDEOS}/{asked.video}",
        "som_image": picture,
        "question": item.question("<obj_{}>", first=1),
        "options": list(asked.options),
        "answer": asked.options[ascii_uppercase.index(asked.answer)],
    }


def draw_item(item: Regionized, clip: Clip, frame: int) -> Image.Image:
    """Draw the regions of an item on a frame, each with its number."""
    masks = {k: each.masks[frame] for k, each in enumerate(item.regions) if frame in each.masks}
    drawn = {k: torch.from_numpy(draw_segmentation(code, *clip.size)) for k, code in masks.items()}
    return draw_regions(clip.video[frame], drawn)


def _opened(items: Iterable[Regionized], open_clip: OpenClip) -> Iterator[tuple[Regionized, Clip]]:
    last: tuple[str, Clip] | None = None
    for item in items:
        if last is None or last[0] != item.asked.video:
            last = item.asked.video, open_clip(item.asked)
        yield item, last[1]


def refuse_videos(folder: Path) -> None:
    """Refuse a folder whose `r4d_bench/videos` is not a link, as that is written anew.

    Raises:
        ValueError: it is something else.
    """
    link = folder / R4D / VIDEOS
    if link.exists() and not link.is_symlink():
        raise ValueError(f"{link} is not a link to videos: move it away, or name another folder with --output")


def stored_path(videos: Path, run: Path) -> Path:
    """Give the path of videos to write down: relative to the folder of a run if they are inside it, else absolute."""
    inside = videos.resolve().is_relative_to(run.resolve())
    return videos.resolve().relative_to(run.resolve()) if inside else videos.absolute()


def _link(videos: Path, link: Path, run: Path) -> None:
    """Link to the folder of the videos, in place of an earlier link."""
    link.parent.mkdir(parents=True, exist_ok=True)
    target = stored_path(videos, run)
    up = Path(os.path.relpath(run.resolve(), link.parent.resolve()))
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target if target.is_absolute() else up / target, target_is_directory=True)
    draft.replace(link)


def _save(picture: Image.Image, path: Path) -> None:
    with new_file(path) as draft:
        picture.save(draft)
