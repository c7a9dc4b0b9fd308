"""COCO-80 and LVIS: the class of an object whose region is given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks.records.record import Record
from benchmarks.region_qa.corpus_scores.detection import AVERAGE_PRECISION, average_precision
from benchmarks.region_qa.corpus_scores.score import CorpusScore
from benchmarks.region_qa.published_parsers.object_classes import class_name, class_said
from benchmarks.region_qa.tasks.media import BoxMark, Mark
from benchmarks.region_qa.tasks.published.annotations import Row
from benchmarks.region_qa.tasks.published.downloaded import DownloadedTask
from benchmarks.region_qa.tasks.published.regions.marks import SegmentationMark, four_numbers
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import Question

ASKED = "What category best describes the area represented by <region0>?"
KINDS = ("mask", "box")


class ObjectClasses(DownloadedTask):
    """Annotations of COCO or LVIS (`images`, `annotations`, `categories`) and their pictures.

    Every annotation that is not a crowd is an item; its `bbox` is x, y, width, height. One of the questions of
    SpatialRGPT's script (commit 16715d4) is asked, which draws one of 15 for each item; it also crops the picture
    around the object, which is not done here.

    Args:
        vocabulary: name of the categories in the question.
        regions: "mask" or "box".
        pictures: folder of the pictures in the folder; a picture is `file_name`, or the last two parts of `coco_url`.
        federated: whether a picture lacks annotations of most categories, as in LVIS, so that COCO's evaluation of
            average precision does not apply.
        downloaded: see `DownloadedTask`.
    """

    prompt = "one of 15 questions, format"
    parser = "class_match"

    corpus_metrics = (AVERAGE_PRECISION,)

    def __init__(
        self,
        *,
        vocabulary: str,
        regions: str = "mask",
        pictures: str = "",
        federated: bool = False,
        **downloaded: Any,
    ) -> None:
        if regions not in KINDS:
            raise ValueError(f"regions={regions} is unknown: choose one of {', '.join(KINDS)}")
        self.regions, self.pictures, self.federated = regions, pictures, federated
        self.text = f"{ASKED} Answer the question using a single word or phrase from {vocabulary} categories."
        super().__init__(**downloaded)

    def items(self) -> Iterator[Item]:
        """Read one object after the other; those of a picture are adjacent.

        Raises:
            ValueError: an annotation is not in the layout, or names a picture or a category that is not there.
        """
        names = {str(row["id"]): class_name(str(row["name"])) for row in self.categories()}
        pictures = {str(row["id"]): row for row in self.rows(("id",), "images")}
        needed = ("id", "image_id", "category_id", "bbox")
        rows = [row for row in self.rows(needed, "annotations") if not row.get("iscrowd")]
        rows.sort(key=lambda row: str(row["image_id"]))
        return self.items_of(rows, lambda name, row: self._item(name, row, names, pictures), "id")

    def categories(self) -> Iterator[Row]:
        """Read the categories; answers name them by `class_name` of their names."""
        return self.rows(("id", "name"), "categories")

    def picture(self, row: Row) -> Path:
        """Name the file of a picture in the folder."""
        address = str(row.get("file_name") or "/".join(PurePosixPath(str(row.get("coco_url"))).parts[-2:]))
        return Path(self.pictures, address)

    def corpus_scores(self, records: Sequence[Record]) -> Mapping[str, CorpusScore]:
        """Compute COCO's mean average precision of the true boxes with the classes that were said, score 1."""
        if self.federated:
            return {AVERAGE_PRECISION: CorpusScore.missing("federated annotations need LVIS's own evaluation")}
        numbers = {class_name(str(row["name"])): row["id"] for row in self.categories()}
        said = {int(record.item): numbers.get(class_said(record.prediction)) for record in records}
        return {AVERAGE_PRECISION: average_precision(self.folder / self.questions, said)}

    def _item(self, number: str, row: Row, names: Mapping[str, str], pictures: Mapping[str, Row]) -> Item:
        image, category = str(row["image_id"]), str(row["category_id"])
        if image not in pictures or category not in names:
            raise ValueError("its picture or its category is not there")
        picture, name = self.picture(pictures[image]), names[category]
        x, y, width, height = four_numbers(row["bbox"])
        box = BoxMark((x, y, x + width, y + height))
        mark: Mark = box
        if self.regions == "mask":
            mark = SegmentationMark(json.dumps(row.get("segmentation")), box=box)
        question = Question(name, self.text, name)
        metrics = ("class_named", "class_match")
        return Item(number, str(picture), self.footage(picture), [mark], question, metrics, (name,))
