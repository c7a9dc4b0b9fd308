"""The scores of one run on a task: by category and average, by every metric, and beside those that others published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.comparison import Comparison
from benchmarks.records.record import Record
from benchmarks.region_qa.corpus_scores.score import CorpusScore
from benchmarks.region_qa.scores import categories_of
from benchmarks.region_qa.tasks.protocol import EvaluationProtocol, PublishedScore
from benchmarks.region_qa.tasks.task import Task

SCORE, ALL = "score", "all items"


@dataclass(frozen=True)
class Beside:
    """A published score, ours of the same category, and why the two do not compare; empty where they do."""

    published: PublishedScore
    ours: float | None
    why_not: str


def further_metrics(records: Sequence[Record]) -> list[str]:
    """List the metrics beside the score, in order of their first record."""
    return [name for name in dict.fromkeys(name for record in records for name in record.metrics) if name != SCORE]


def of_category(records: Sequence[Record], category: str, metric: str) -> Estimate | None:
    """Estimate the mean of a metric in a category; None where no record has it."""
    return Comparison(metric).estimate([record for record in records if record.category == category])


def means(task: Task, records: Sequence[Record], metric: str) -> dict[str, float]:
    """Average a metric over all items, and by category, `Task.pools` and `Task.averages`.

    A pool or an average whose categories were not all asked is left out.
    """
    measured = [record for record in records if metric in record.metrics]
    if not measured:
        return {}
    found = {category: _mean(measured, metric, [category]) for category in categories_of(measured)}
    pools = {name: members for name, members in task.pools.items() if set(members) <= found.keys()}
    found |= {name: _mean(measured, metric, members) for name, members in pools.items()}
    found[ALL] = _mean(measured, metric, categories_of(measured))
    for name, members in task.averages.items():
        if all(member in found for member in members):
            found[name] = sum(found[member] for member in members) / len(members)
    return found


def _mean(records: Sequence[Record], metric: str, categories: Sequence[str]) -> float:
    values = [record.metrics[metric] for record in records if record.category in categories]
    return sum(values) / len(values)


def beside_published(
    task: Task, records: Sequence[Record], protocol: EvaluationProtocol, corpus: Mapping[str, CorpusScore]
) -> Iterator[Beside]:
    """Set our scores beside those that others published.

    Ours are read by the published parser where the items are scored by it, that is by a metric of the parser's name;
    a published score may also name one of the `corpus` scores (`Task.corpus_scores`).
    """
    metric = protocol.parser if protocol.parser in further_metrics(records) else SCORE
    ours = {**means(task, records, metric), **{name: score.value for name, score in corpus.items()}}
    for published in task.published:
        differences = protocol.differences(published.protocol)
        yield Beside(published, ours.get(published.category), "; ".join(differences))


def asked_protocol(task: Task, limit: int | None) -> EvaluationProtocol:
    """Give the protocol of a task, of which the first `limit` items were asked."""
    return task.protocol if limit is None else replace(task.protocol, subset=f"the first {limit} items")
