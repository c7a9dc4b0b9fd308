"""What downloaded benchmarks share: a folder, a file of questions, a protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.region_qa.tasks.media import ClipFile, EstimatedDepth, Media
from benchmarks.region_qa.tasks.protocol import EvaluationProtocol
from benchmarks.region_qa.tasks.published.score_tables import published_scores
from benchmarks.region_qa.tasks.task import NO_AVERAGES, Task


class DownloadedTask(Task):
    """A downloaded benchmark, read where it lies. A benchmark reads its rows (`items`) and names its prompt and parser.

    Args:
        name: name in records.
        about: what is asked.
        folder: the downloaded benchmark.
        questions: file of the questions in it.
        revision: version of the questions, for the comparison with published scores.
        frames: frames that are read of each video, uniformly; None for all, or of pictures.
        depth: what estimates the depth of footage that has none, by a name of `open_provider`; None for no depth.
        pools: see `Task`.
        averages: see `Task`.
        published: tables of published scores (`published_scores`).
    """

    prompt: str
    parser = EvaluationProtocol.parser  # ours, where the benchmark has none
    regions = EvaluationProtocol.regions
    tokenizer = EvaluationProtocol.tokenizer

    def __init__(
        self,
        *,
        name: str,
        about: str,
        folder: str,
        questions: str,
        revision: str,
        frames: int | None = None,
        depth: str | None = None,
        pools: Mapping[str, Sequence[str]] = NO_AVERAGES,
        averages: Mapping[str, Sequence[str]] = NO_AVERAGES,
        published: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.name, self.about, self.pace = name, about, 1.0
        self.folder, self.questions, self.frames, self.depth = Path(folder), questions, frames, depth
        self.pools, self.averages = dict(pools), dict(averages)
        self.protocol = EvaluationProtocol(
            revision,
            frames,
            self.prompt,
            self.parser,
            regions=self.regions,
            depth=depth or "",
            tokenizer=self.tokenizer,
        )
        self.published = published_scores(published, self.protocol)

    def footage(self, path: str | Path) -> Media:
        """Name the footage at a path in the folder."""
        media = ClipFile(self.folder / path, self.frames, self.folder)
        return media if self.depth is None else EstimatedDepth(media, self.depth)
