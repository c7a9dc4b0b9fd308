"""What published benchmarks of questions about videos share: a folder, a file of questions, a protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.region_qa.tasks.protocol import EvaluationProtocol
from benchmarks.region_qa.tasks.published.score_tables import published_scores
from benchmarks.region_qa.tasks.task import Task


class VideoQuestions(Task):
    """A downloaded benchmark, read where it lies. A benchmark reads its rows (`items`) and names its prompt and parser.

    Args:
        name: name in records.
        about: what is asked.
        folder: the downloaded benchmark.
        questions: file of the questions in it.
        frames: frames that are read of each video, uniformly.
        revision: version of the questions, for the comparison with published scores.
        published: tables of published scores (`published_scores`).
    """

    prompt: str
    parser = EvaluationProtocol.parser  # ours, where the benchmark has none

    def __init__(
        self,
        *,
        name: str,
        about: str,
        folder: str,
        questions: str,
        frames: int,
        revision: str,
        published: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.name, self.about, self.pace = name, about, 1.0
        self.folder, self.questions, self.frames = Path(folder), questions, frames
        self.protocol = EvaluationProtocol(revision, frames, self.prompt, self.parser)
        self.published = published_scores(published, self.protocol)
