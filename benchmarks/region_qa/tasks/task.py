"""The interface of a benchmark: items, which are questions about regions of clips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from benchmarks.records.record import Fact, Record
from benchmarks.region_qa.corpus_scores.score import CorpusScore
from benchmarks.region_qa.tasks.media import ClipInMemory, Mark, MarkInMemory, Media, Opened, Opener
from benchmarks.region_qa.tasks.protocol import OWN, EvaluationProtocol, PublishedScore
from models.regions import Region
from scenes.clip import Clip
from scenes.questions import Question

ACCURACY = ("accuracy",)
NO_AVERAGES: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True)
class Item:
    """One question about one clip, which is read when it is needed.

    Args:
        name: name within the task.
        cluster: items of a cluster (a clip, a room) are dependent, and are resampled together.
        media: where the clip is.
        marks: regions that the question mentions, in their order.
        question: text and truth.
        metrics: names in `benchmarks.region_qa.item_metrics.METRICS`; the first one is the score of the item.
        references: right answers in words, of a question that has neither options nor a value.
        facts: what its record states besides (`Record.facts`).
    """

    name: str
    cluster: str
    media: Media
    marks: Sequence[Mark]
    question: Question
    metrics: Sequence[str] = ACCURACY
    references: Sequence[str] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)

    @classmethod
    def in_memory(cls, name: str, cluster: str, clip: Clip, regions: Sequence[Region], question: Question) -> Item:
        """Make an item of a clip that is in memory already."""
        return cls(name, cluster, ClipInMemory(clip), [MarkInMemory(region) for region in regions], question)

    def open(self) -> Opened:
        """Read the clip and mark the regions; an `Opener` does so for many items."""
        return Opener().open(self.media, self.marks)


@runtime_checkable
class Task(Protocol):
    """A named stream of items.

    Attributes:
        name: name in records.
        about: what is asked, in a sentence for reports.
        pace: factor on the timestamps of the clips (1.0: true ones).
        protocol: what else a score depends on; see `EvaluationProtocol`.
        published: scores of others.
        pools: categories whose items are averaged together, by name.
        averages: unweighted means of categories, of pools, or of earlier averages, by name.
        corpus_metrics: names of the scores of all answers together (`corpus_scores`), which are not means over items.
    """

    name: str
    about: str
    pace: float
    protocol: EvaluationProtocol = OWN
    published: Sequence[PublishedScore] = ()
    pools: Mapping[str, Sequence[str]] = NO_AVERAGES
    averages: Mapping[str, Sequence[str]] = NO_AVERAGES
    corpus_metrics: Sequence[str] = ()

    def items(self) -> Iterable[Item]:
        """Give the items one after the other, the same every time; memory does not grow with their number."""
        ...

    def corpus_scores(self, records: Sequence[Record]) -> Mapping[str, CorpusScore]:
        """Score the answers of one run together, by `corpus_metrics`."""
        return {}
