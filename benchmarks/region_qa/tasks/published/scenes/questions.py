"""ScanQA and SQA3D: questions about scanned rooms, answered in few words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.region_qa.tasks.published.annotations import Row, read_rows
from benchmarks.region_qa.tasks.published.scenes.scene_task import SceneTask, references_of
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import Question

SIMPLY = "Answer the question simply."
BRIEFLY = "Answer the question using a single word or phrase."
TYPES = ("what", "is", "how", "can", "which")  # of SQA3D, by the first letters of a question; "others" is the rest


class ScanQa(SceneTask):
    """ScanQA (arXiv 2112.10482): ScanQA_v1.0_val.json.

    A row has `question_id`, `scene_id`, `question` and `answers`. The prompt is that of Video-3D-LLM.
    """

    prompt = f"question, {SIMPLY}"
    parser = "exact_match"

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout.
        """
        needed = ("question_id", "scene_id", "question", "answers")
        return self.items_of(self.rows(needed), self._item, "question_id")

    def _item(self, name: str, row: Row) -> Item:
        scene, answers = str(row["scene_id"]), references_of(row["answers"])
        question = Question("question", f"{row['question']} {SIMPLY}", answers[0])
        metrics = ("exact_match", "clean_match", "refined_match")
        return Item(name, scene, self.scene(scene), (), question, metrics, answers)


class Sqa3d(SceneTask):
    """SQA3D (arXiv 2210.07474): questions and answers in two files, joined by `question_id`.

    A question has `scene_id`, `situation` and `question`; an annotation has `answers`, of which each has an `answer`.
    The prompt is that of Video-3D-LLM, which knows the situation by its words alone.

    Args:
        answers: file of the annotations.
        scene_task: see `SceneTask`.
    """

    prompt = f"situation, question, {BRIEFLY}"
    parser = "clean_match"

    def __init__(self, *, answers: str, **scene_task: Any) -> None:
        self.answers = answers
        super().__init__(**scene_task)

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout, or a question has no answer.
        """
        annotated = read_rows(self.folder / self.answers, ("question_id", "answers"), within="annotations")
        answers = {str(row["question_id"]): row["answers"] for row in annotated}
        rows = self.rows(("question_id", "scene_id", "situation", "question"), within="questions")
        return self.items_of(rows, lambda name, row: self._item(name, row, answers.get(name, ())), "question_id")

    def _item(self, name: str, row: Row, annotated: Any) -> Item:
        answers = tuple(str(each["answer"]) for each in annotated)
        if not answers:
            raise ValueError(f"{self.answers} has no answer to question {name}")
        scene, text = str(row["scene_id"]), f"{row['situation']} {row['question']} {BRIEFLY}"
        question = Question(type_of(str(row["question"])), text, answers[0])
        metrics = ("clean_match", "exact_match", "refined_match")
        return Item(name, scene, self.scene(scene), (), question, metrics, answers)


def type_of(question: str) -> str:
    """Name the type of a question of SQA3D by its first letters, as its evaluation does."""
    return next((name for name in TYPES if question.lstrip().lower().startswith(name)), "others")
