"""DSR-Bench: multiple choice about how things move and turn, seen by the camera or by another viewer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.records.lines import parse_json
from benchmarks.region_qa.tasks.published.annotations import CURE, Row
from benchmarks.region_qa.tasks.published.downloaded import DownloadedTask
from benchmarks.region_qa.tasks.published.options import without_letter
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import Question

PRE = (
    "These are the frames of a video. Select the best answer to the following multiple-choice question based on the "
    "video. Respond with only the letter (A, B, C, or D) of the correct option."
)


class DsrBench(DownloadedTask):
    """DSR-Bench (DSR Suite, arXiv 2512.20557): benchmark.parquet or the same rows as JSON, and the videos.

    A row has `videoID`, `type`, `question`, `options` (a list whose entries begin with their letters, perhaps as JSON)
    and `answer` (a letter). The prompt is that of VLMEvalKit.

    Args:
        videos: folder of the videos in the folder.
        downloaded: see `DownloadedTask`.
    """

    prompt = "frames, question, options"
    parser = "dsr_bench"

    def __init__(self, *, videos: str, **downloaded: Any) -> None:
        self.videos = videos
        super().__init__(**downloaded)

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout.
        """
        needed = ("videoID", "type", "question", "options", "answer")
        return self.items_of(self.rows(needed), self._item)

    def _item(self, name: str, row: Row) -> Item:
        options = row["options"]
        options = parse_json(options, "its field options", CURE) if isinstance(options, str) else options
        options = list(map(str, options))
        asked = "\n".join([str(row["question"]), *options])
        text = f"{PRE}\nQuestion: {asked}\nAnswer: "
        video = str(row["videoID"])
        media = self.footage(Path(self.videos, f"{video}.mp4"))
        question = Question(str(row["type"]), text, str(row["answer"]).strip(), tuple(map(without_letter, options)))
        return Item(name, video, media, (), question, ("accuracy", "dsr_bench"))
