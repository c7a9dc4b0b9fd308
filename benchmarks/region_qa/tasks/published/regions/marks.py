"""Regions as files of questions write them: boxes, masks of COCO, and points."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.region_qa.tasks.media import BOXED, BoxMark, Mark
from benchmarks.region_qa.tasks.published.annotations import read_rows
from models.regions import Region
from models.sr3d.text.mentions import mentioned, renumber
from scenes.clip import Clip
from scenes.readers.masks.coco import draw_segmentation

POINT_SIDE = 0.05  # side of the square at a point, as a share of the shorter side of the picture


@dataclass(frozen=True)
class SegmentationMark:
    """A mask of one frame, as the JSON of COCO's `segmentation`: a run-length code or polygons.

    A polygon that is smaller than a pixel may mark none: then `box` is marked, where one is given (`BOXED`).
    """

    segmentation: str
    frame: int = 0
    box: BoxMark | None = None

    def region(self, clip: Clip) -> Region:
        """Draw the mask.

        Raises:
            ValueError: it is not COCO's, has another size than the frame, or is empty and there is no box.
        """
        content, (height, width) = json.loads(self.segmentation), clip.size
        if isinstance(content, Mapping) and content.get("size") != [height, width]:
            raise ValueError(f"a mask has the size {content.get('size')}, its frame {height} x {width}")
        try:
            mask = draw_segmentation(content, height, width)
        except (KeyError, TypeError, IndexError, OverflowError) as error:
            raise ValueError(f"not a segmentation of COCO: {self.segmentation[:60]}") from error
        if self.box is not None and not mask.any():
            return replace(self.box.region(clip), name=BOXED)
        return Region.from_mask(torch.from_numpy(mask), self.frame)


@dataclass(frozen=True)
class PointMark:
    """A square around a point (x, y; pixels) of one frame; its side is a share of the frame's shorter side."""

    x: float
    y: float
    frame: int = 0
    side: float = POINT_SIDE

    def region(self, clip: Clip) -> Region:
        """Mark the square; errors are those of `Region.from_box`."""
        half = max(1.0, self.side * min(clip.size)) / 2
        box = (self.x - half, self.y - half, self.x + half, self.y + half)
        return Region.from_box(box, *clip.size, self.frame)


def mark_of(entry: Any) -> Mark:
    """Read one region: an object with `box` (x0, y0, x1, y1), `segmentation` or `point` (x, y), and perhaps `frame`.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(entry, Mapping):
        frame = int(entry.get("frame", 0))
        if "segmentation" in entry:
            return SegmentationMark(json.dumps(entry["segmentation"]), frame)
        if "box" in entry:
            return BoxMark(four_numbers(entry["box"]), frame)
        if len(point := _numbers(entry.get("point"))) == 2:
            return PointMark(point[0], point[1], frame)
    raise ValueError(f"a region needs box (four numbers), segmentation or point (two), got {str(entry)[:80]}")


def four_numbers(values: Any) -> tuple[float, float, float, float]:
    """Read the numbers of a box.

    Raises:
        ValueError: they are not four numbers.
    """
    if len(numbers := _numbers(values)) != 4:
        raise ValueError(f"a box has four numbers, got {str(values)[:80]}")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _numbers(values: Any) -> list[float]:
    return [float(v) for v in values] if isinstance(values, Sequence) and not isinstance(values, str) else []


def read_marks(path: Path) -> dict[str, list[Mark]]:
    """Read the regions of every item: rows of `id` and `regions`, a list of what `mark_of` reads.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a row is not in this layout.
    """
    marks: dict[str, list[Mark]] = {}
    for row in read_rows(path, ("id", "regions")):
        name = str(row["id"])
        try:
            marks[name] = list(map(mark_of, row["regions"]))
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{path} {name}: {error}") from error
    return marks


def of_question(text: str, marks: Sequence[Mark]) -> tuple[str, list[Mark], dict[int, int]]:
    """Keep the regions that a text mentions, numbered from 0: the text, its regions, and their new numbers by old ones.

    Raises:
        ValueError: the text mentions a region that is not there.
    """
    if lost := sorted({k for k in mentioned(text) if k >= len(marks)}):
        raise ValueError(f"it mentions region {lost[0]}, but has {len(marks)} regions (from 0)")
    used = sorted(set(mentioned(text)))
    numbers = {old: new for new, old in enumerate(used)}
    return renumber(text, [numbers.get(k, k) for k in range(len(marks))]), [marks[k] for k in used], numbers
