"""What downloaded benchmarks share: a folder, a file of questions, a protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.region_qa.tasks.media import ClipFile, EstimatedDepth, Media
from benchmarks.region_qa.tasks.protocol import EvaluationProtocol
from benchmarks.region_qa.tasks.published.annotations import Row, read_rows
from benchmarks.region_qa.tasks.published.score_tables import published_scores
from benchmarks.region_qa.tasks.task import NO_AVERAGES, Item, Task


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

    def rows(self, needed: Iterable[str], within: str = "") -> Iterator[Row]:
        """Read the rows of the questions; arguments and errors are those of `read_rows`."""
        return read_rows(self.folder / self.questions, needed, within)

    def items_of(self, rows: Iterable[Row], make: Callable[[str, Row], Item], key: str = "") -> Iterator[Item]:
        """Make an item of every row of the questions.

        Args:
            rows: see `rows`.
            make: makes an item of its name and its row.
            key: field that names an item; where there is none, its number from 0 does.

        Raises:
            ValueError: a row is not in the published layout, or `make` refuses it.
        """
        for number, row in enumerate(rows):
            name = str(row.get(key, number))
            where = f"{self.folder / self.questions} item {name}"
            try:
                item = make(name, row)
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from error
            except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
                raise ValueError(f"{where} is not in the published layout: {error}") from error
            yield item

    def footage(self, path: str | Path) -> Media:
        """Name the footage at a path in the folder."""
        return self.with_depth(ClipFile(self.folder / path, self.frames, self.folder))

    def with_depth(self, media: Media) -> Media:
        """Let `depth` estimate the depth of footage, where one was named."""
        return media if self.depth is None else EstimatedDepth(media, self.depth)
