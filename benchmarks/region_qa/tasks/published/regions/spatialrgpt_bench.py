"""SpatialRGPT-Bench: questions about regions of one picture, answered in words or by a length."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from benchmarks.region_qa.published_parsers.spatialrgpt import HOUR, agreement, read_metres, read_words
from benchmarks.region_qa.tasks.media import BoxMark, Mark
from benchmarks.region_qa.tasks.published.annotations import Row
from benchmarks.region_qa.tasks.published.downloaded import DownloadedTask
from benchmarks.region_qa.tasks.published.regions.marks import SegmentationMark, four_numbers, of_question
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import Question

LENGTHS: Mapping[str, str] = MappingProxyType(
    {
        "distance_data": "direct distance",
        "horizontal_distance_data": "horizontal distance",
        "vertical_distance_data": "vertical distance",
        "width_data": "width",
        "height_data": "height",
    }
)
RELATIONS = ("below/above", "left/right", "big/small", "tall/short", "wide/thin", "behind/front")
_REGION = re.compile(r"Region \[(\d+)\]")
KINDS = ("mask", "box")


class SpatialRgptBench(DownloadedTask):
    """SpatialRGPT-Bench (arXiv 2406.01584): SpatialRGPT-Bench_v1.json, and the pictures of Omni3D by path.

    A row has `id`, `image_info` (`file_path`), `text_q` (which mentions "Region [0]"), `conversations` (one question
    and its answer), `bbox` (x0, y0, x1, y1; pixels), `rle` (masks of COCO, perhaps none) and `qa_info` (`type`,
    `category`). The benchmark has answers read by GPT-4; here they are read by rule (`spatialrgpt`).

    Args:
        regions: "mask" marks masks where a row has them, else boxes, as the benchmark's script does; "box" marks boxes.
        downloaded: see `DownloadedTask`.
    """

    prompt = "question"
    parser = "spatialrgpt"

    def __init__(self, *, regions: str = "mask", **downloaded: Any) -> None:
        if regions not in KINDS:
            raise ValueError(f"regions={regions} is unknown: choose one of {', '.join(KINDS)}")
        self.regions = regions
        pools = {"qualitative": RELATIONS, "quantitative": (*LENGTHS.values(), "direction")}
        super().__init__(pools=pools, **downloaded)

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout, or its answer is not one of the benchmark's forms.
        """
        needed = ("id", "image_info", "text_q", "conversations", "bbox", "qa_info")
        return self.items_of(self.rows(needed), self._item, "id")

    def _item(self, name: str, row: Row) -> Item:
        picture, kind = str(row["image_info"]["file_path"]), str(row["qa_info"]["category"])
        marks, truth = self._marks(row.get("rle") or (), row["bbox"]), str(row["conversations"][1]["value"])
        asked = _REGION.sub(r"<region\1>", str(row["text_q"]))
        text, used, numbers = of_question(asked, marks)
        truth = _REGION.sub(lambda found: f"Region [{numbers.get(int(found[1]), int(found[1]))}]", truth)
        question, further = question_of(kind, text, truth)
        media = self.footage(picture)
        return Item(name, picture, media, used, question, ("spatialrgpt", *further))

    def _marks(self, masks: Any, boxes: Any) -> list[Mark]:
        if self.regions == "mask" and masks:
            return [SegmentationMark(json.dumps(mask)) for mask in masks]
        return [BoxMark(four_numbers(box)) for box in boxes]


def question_of(kind: str, text: str, truth: str) -> tuple[Question, tuple[str, ...]]:
    """Read the truth of a question from the sentence that answers it; return the question and its further metrics.

    Raises:
        ValueError: the sentence has another form, or the category is unknown.
    """
    if kind in LENGTHS:
        metres = read_metres(truth).value
        if not isinstance(metres, float):
            raise ValueError(f"'{truth}' gives no length")
        return Question(LENGTHS[kind], text, truth, value=metres, unit="m"), ("abs_rel",)
    if kind == "direction":
        hour = read_words(HOUR, truth).value
        if hour is None:
            raise ValueError(f"'{truth}' gives no hour of the clock")
        return Question(kind, text, str(hour)), ("error_deg",)
    word, _, form = kind.partition("_")
    relation = next((name for name in RELATIONS if word in name.split("/")), None)
    if relation is None or form not in ("predicate", "choice"):
        raise ValueError(f"the category '{kind}' is unknown")
    answer = agreement(truth.lower()) if form == "predicate" else read_words("region", truth).value
    if not answer:
        raise ValueError(f"'{truth}' does not answer a {form}")
    return Question(relation, text, str(answer)), ()
