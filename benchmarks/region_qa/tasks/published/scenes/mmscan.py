"""MMScan: questions about objects and places in the scans of EmbodiedScan, the objects given by 3D boxes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.region_qa.published_parsers.scene_answers import clean_answer
from benchmarks.region_qa.tasks.published.annotations import Row
from benchmarks.region_qa.tasks.published.scenes.scans import Box3dMark
from benchmarks.region_qa.tasks.published.scenes.scene_task import SceneTask, references_of
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import Question

COLLECTIONS = ("", "scannet", "3rscan", "matterport3d")
GROUPS = {  # of the benchmark's tables, by what the class of a question contains; the first that fits
    "Attribute_OO": "OOa",
    "Space_OO": "OOs",
    "EQ": "STa",
    "Single_Attribute": "STa",
    "OR": "OR",
    "Single_Space": "STs",
    "Advanced": "Advanced",
}


class MmScan(SceneTask):
    """MMScan (arXiv 2406.09401): MMScan_samples/MMScan_QA.json, a list of questions by split.

    A row has `ID`, `scan_id` ("scannet/scene0011_00"), `sub_class`, `question`, `answers` and `input_bboxes`: boxes of
    nine numbers in the axis-aligned world, or null. The prompt is that of its version of LL3DA, which writes the boxes
    after the question.

    Args:
        split: list that is read; the answers of "test" are not public.
        collection: scans that are asked about: "scannet", "3rscan" or "matterport3d"; all without it.
        scene_task: see `SceneTask`; a scan lies in `scenes` by its name without the collection.
    """

    prompt = "question at regions (LL3DA)"
    parser = "clean_match"
    regions = "true 3D boxes"
    has_boxes = True

    def __init__(self, *, split: str, collection: str = "", **scene_task: Any) -> None:
        if collection not in COLLECTIONS:
            known = ", ".join(filter(None, COLLECTIONS))
            raise ValueError(f"collection={collection} is unknown: choose one of {known}, or none for all")
        self.split, self.collection = split, collection
        super().__init__(**scene_task)

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout.
        """
        needed = ("ID", "scan_id", "sub_class", "question", "answers", "input_bboxes")
        rows = (row for row in self.rows(needed, self.split) if str(row["scan_id"]).startswith(self.collection))
        return self.items_of(rows, self._item, "ID")

    def _item(self, name: str, row: Row) -> Item:
        scan, answers = str(row["scan_id"]), references_of(row["answers"])
        marks = [Box3dMark.read(box, 9) for box in row["input_bboxes"] or ()]
        question = Question(group_of(str(row["sub_class"])), asked(str(row["question"]), len(marks)), answers[0])
        media = self.scene(scan.partition("/")[2] or scan)
        return Item(name, scan, media, marks, question, ("clean_match", "refined_match"), answers)

    def as_scored(self, answer: str) -> str:
        """Write an answer as it is cleaned."""
        return clean_answer(answer)

    def reference(self, text: str) -> str:
        """Write a reference as it is cleaned."""
        return clean_answer(text)


def group_of(sub_class: str) -> str:
    """Name the group of a class of questions in the benchmark's tables."""
    return next((group for part, group in GROUPS.items() if part in sub_class), "others")


def asked(question: str, regions: int) -> str:
    """Write a question about regions, or about the room."""
    words = f'Given the 3D scene, answer the question: "{question}"'
    places = ", ".join(f"<region{number}>" for number in range(regions))
    return f'{words} at "{places}".' if places else f"{words} according to the given 3D scene."
