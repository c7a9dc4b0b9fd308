"""The scores of one run on a task: by category and average, by every metric, and beside those that others published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.comparison import Comparison
from benchmarks.records.record import Record
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


def means(records: Sequence[Record], metric: str, averages: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Average a metric over all items, over those of every category, and over categories as `Task.averages` names them.

    An average whose categories were not all asked is left out.
    """
    every = [record.metrics[metric] for record in records if metric in record.metrics]
    found = {ALL: sum(every) / len(every)} if every else {}
    for category in categories_of(records):
        values = [r.metrics[metric] for r in records if r.category == category and metric in r.metrics]
        if values:
            found[category] = sum(values) / len(values)
    for name, members in averages.items():
        if all(member in found for member in members):
            found[name] = sum(found[member] for member in members) / len(members)
    return found


def beside_published(task: Task, records: Sequence[Record], protocol: EvaluationProtocol) -> Iterator[Beside]:
    """Set our scores beside those that others published.

    Ours are read by the published parser where the items are scored by it, that is by a metric of the parser's name.
    """
    metric = protocol.parser if protocol.parser in further_metrics(records) else SCORE
    ours = means(records, metric, task.averages)
    for published in task.published:
        differences = protocol.differences(published.protocol)
        yield Beside(published, ours.get(published.category), "; ".join(differences))


def asked_protocol(task: Task, limit: int | None) -> EvaluationProtocol:
    """Give the protocol of a task, of which the first `limit` items were asked."""
    return task.protocol if limit is None else replace(task.protocol, subset=f"the first {limit} items")
