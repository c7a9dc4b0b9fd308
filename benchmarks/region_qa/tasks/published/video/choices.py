"""STI-Bench and VLM4D: multiple choice about what moves in a video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.records.lines import parse_json
from benchmarks.region_qa.tasks.published.annotations import CURE, Row
from benchmarks.region_qa.tasks.published.downloaded import DownloadedTask
from benchmarks.region_qa.tasks.published.options import letter_of
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import Question


class StiBench(DownloadedTask):
    """STI-Bench (arXiv 2503.23765): qa.parquet and video/.

    A row has `Video`, `Task`, `Question`, `Candidates` (text by letter, as JSON or an object), `Answer` (a letter),
    `time_start` and `time_end` (seconds). The prompt is that of the benchmark's script for open models.
    """

    prompt = "time span, question, options, letter"
    parser = "sti_bench"

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout.
        """
        needed = ("Video", "Task", "Question", "Candidates", "Answer", "time_start", "time_end")
        return self.items_of(self.rows(needed), self._item)

    def _item(self, name: str, row: Row) -> Item:
        choices = row["Candidates"]
        choices = parse_json(choices, "its field Candidates", CURE) if isinstance(choices, str) else choices
        listed = [f"({letter}) {text}" for letter, text in choices.items() if text is not None]
        span = f"From {row['time_start']} s to {row['time_end']} s."
        text = "\n".join([f"{span} {row['Question']}", *listed, "Please output only the option letter!"])
        options = tuple(str(text) for text in choices.values() if text is not None)
        media = self.footage(Path("video", str(row["Video"])))
        question = Question(str(row["Task"]), text, str(row["Answer"]), options)
        return Item(name, str(row["Video"]), media, (), question, ("accuracy", "sti_bench"))


class Vlm4d(DownloadedTask):
    """VLM4D (arXiv 2508.02095): QA/real_mc.json or QA/synthetic_mc.json, videos_real/ and videos_synthetic/.

    A row has `id`, `video` (an address that ends in the path within the folder), `question`, `choices` (text by
    letter) and `answer` (the text of the right choice). The benchmark has its answers judged by language models, which
    is not done here.
    """

    prompt = "question, options, letter"

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout, or its answer is none of its choices.
        """
        return self.items_of(self.rows(("id", "video", "question", "choices", "answer")), self._item, "id")

    def _item(self, name: str, row: Row) -> Item:
        options = tuple(str(text) for text in row["choices"].values())
        answer = letter_of(str(row["answer"]), options)
        listed = [f"{letter}: {text}" for letter, text in row["choices"].items()]
        text = "\n".join([str(row["question"]), *listed, "Answer with the letter of one option."])
        video = video_within(str(row["video"]))
        media = self.footage(video)
        return Item(name, video, media, (), Question(video.partition("/")[0], text, answer, options))


def video_within(address: str) -> str:
    """Take the path within the folder from the address of a video: what begins with `videos_`."""
    start = address.find("videos_")
    return address if start < 0 else address[start:]
