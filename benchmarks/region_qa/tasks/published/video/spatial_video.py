"""VSI-Bench and VSTI-Bench: letters and numbers about videos of rooms, scored by accuracy and MRA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.region_qa.tasks.published.annotations import Row
from benchmarks.region_qa.tasks.published.downloaded import DownloadedTask
from benchmarks.region_qa.tasks.published.options import without_letter
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import Question

PRE, LETTER, WORD = (  # what the benchmarks' own evaluation says before and after a question
    "These are frames of a video.",
    "Answer with the option's letter from the given choices directly.",
    "Please answer the question using a single word or phrase.",
)
METRICS = ("mra", "vsibench", "vsibench_lmms_eval")


class SpatialVideoTask(DownloadedTask):
    """Questions in the layout of VSI-Bench (arXiv 2412.14171) or VSTI-Bench (VLM-3R, arXiv 2505.20279).

    A row has `question_type`, `question`, `options` (empty for a number), the truth, and its video: `dataset` and
    `scene_name` in VSI-Bench, `video_path` in VSTI-Bench. The right letter is `ground_truth` in VSI-Bench and
    `mc_answer` in VSTI-Bench. Every answer is scored by our parser and by the benchmark's own.

    Args:
        units: unit of a numeric answer by question type; a count has none.
        downloaded: see `DownloadedTask`.
    """

    prompt = "frames, question, options, format"
    parser = "vsibench"

    def __init__(self, *, units: Mapping[str, str], **downloaded: Any) -> None:
        super().__init__(**downloaded)
        self.units = dict(units)

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout, or has an unknown type of question.
        """
        return self.items_of(self.rows(("question_type", "question", "ground_truth")), self._item, "id")

    def _item(self, name: str, row: Row) -> Item:
        video = str(row.get("video_path") or f"{row.get('dataset')}/{row.get('scene_name')}.mp4")
        return Item(
            name=name,
            cluster=video,
            media=self.footage(video),
            marks=(),
            question=self._question(row),
            metrics=METRICS,
        )

    def _question(self, row: Row) -> Question:
        category, options = str(row["question_type"]), list(map(str, row.get("options") or ()))
        if options:
            text = "\n".join([PRE, str(row["question"]), "Options:", *options, LETTER])
            answer = str(row.get("mc_answer") or row["ground_truth"])
            return Question(category, text, answer, tuple(map(without_letter, options)))
        if category not in self.units:
            raise ValueError(
                f"question type '{category}' has no options and no unit; known are {', '.join(self.units)}"
            )
        text, truth = "\n".join([PRE, str(row["question"]), WORD]), str(row["ground_truth"])
        return Question(category, text, truth, value=float(truth), unit=self.units[category])
