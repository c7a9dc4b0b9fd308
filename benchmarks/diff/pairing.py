"""Joining two runs item by item, and what one of them gained and lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.diff.media import roots_of
from benchmarks.diff.run import Run
from benchmarks.records.record import Record
from benchmarks.region_qa.categories import members
from benchmarks.region_qa.scores import Row, mark_clear, score_rows

ALL = "all items"


@dataclass(frozen=True)
class Pair:
    """The records of one item in both runs."""

    before: Record
    after: Record


@dataclass(frozen=True)
class Diff:
    """Two runs, joined by item.

    Args:
        names: names of the two runs, which differ.
        pairs: the items that both hold, in the order of the first.
        alone: number of items that only one of them holds.
        metric: what was scored.
        knows_unparsed: whether each run records which answers could not be read.
        roots: folders under which footage may be.
    """

    names: tuple[str, str]
    pairs: Sequence[Pair]
    alone: tuple[int, int]
    metric: str
    knows_unparsed: tuple[bool, bool] = (True, True)
    roots: Sequence[Path] = ()

    @property
    def contrast(self) -> tuple[str, str]:
        """The difference that is reported: the second run minus the first."""
        return self.names[1], self.names[0]

    @property
    def gained(self) -> list[Pair]:
        """Items with a higher score in the second run, the largest gains first."""
        return sorted((p for p in self.pairs if p.after.score > p.before.score), key=_change, reverse=True)

    @property
    def lost(self) -> list[Pair]:
        """Items with a lower score in the second run, the largest losses first."""
        return sorted((p for p in self.pairs if p.after.score < p.before.score), key=_change)

    def unparsed(self, category: str) -> tuple[float | None, float | None]:
        """Compute the share of unparsed answers of both runs in a row of `rows`; None where a run does not say."""
        of = [p for p in self.pairs if category == ALL or p.before.category in members(category)]
        counts = sum(p.before.parsed is None for p in of), sum(p.after.parsed is None for p in of)
        first, second = (
            count / len(of) if known else None for count, known in zip(counts, self.knows_unparsed, strict=True)
        )
        return first, second

    def rows(self) -> list[Row]:
        """Estimate both runs and their difference: over all items, then by category.

        The first row is the primary endpoint; the others are corrected by Holm.
        """
        first, second = self.names
        records = [replace(p.before, arm=first) for p in self.pairs]
        # what was asked is taken from the first: tools word prompts differently, and `join` has compared the answers
        records += [replace(p.before, arm=second, metrics=p.after.metrics, parsed=p.after.parsed) for p in self.pairs]
        whole = score_rows([replace(record, category=ALL) for record in records], [self.contrast])
        by_category = score_rows(records, [self.contrast]) if len({r.category for r in records}) > 1 else []
        return mark_clear([*whole, *by_category], [self.contrast], [(ALL, self.contrast)])


def _change(pair: Pair) -> float:
    return pair.after.score - pair.before.score


def join(first: Run, second: Run, names: tuple[str, str]) -> Diff:
    """Join two runs by item; by task and item where both hold several tasks.

    Raises:
        ValueError: they share no item, were scored by different metrics, or an item has another right answer in each.
    """
    if first.metric != second.metric:
        raise ValueError(
            f"{first.source} was scored by {first.metric}, {second.source} by {second.metric}: name one metric that "
            "both have with --metric, or score them anew"
        )
    one, other = _comparable(first.records), _comparable(second.records)
    shared = [key for key in one if key in other]
    if not shared:
        raise ValueError(
            f"{first.source} and {second.source} share no item: {first.tool} names them as {_named(one)}, "
            f"{second.tool} as {_named(other)}"
        )
    pairs = [Pair(one[key], other[key]) for key in shared]
    for pair in pairs:
        if pair.before.answer.strip().lower() != pair.after.answer.strip().lower():
            raise ValueError(
                f"item {pair.before.item} has the answer '{pair.before.answer}' in {first.source} and "
                f"'{pair.after.answer}' in {second.source}: these are runs of different questions"
            )
    alone = len(one) - len(shared), len(other) - len(shared)
    roots = [root for run in (first, second) for root in roots_of(run.manifest)]
    return Diff(names, pairs, alone, first.metric, (first.knows_unparsed, second.knows_unparsed), roots)


Key = tuple[str, str, int]


def _comparable(records: Sequence[Record]) -> dict[Key, Record]:
    """Name records by what both runs share: without the task where there is one, without the seed where there is one.

    So arms of one training seed each, or a task under two names, are joined.
    """
    tasks, seeds = {record.task for record in records}, {record.seed for record in records}
    plain = [replace(r, task=r.task if len(tasks) > 1 else "", seed=r.seed if len(seeds) > 1 else 0) for r in records]
    return {record.key: record for record in plain}


def _named(records: dict[Key, Record]) -> str:
    return ", ".join(record.item for record in list(records.values())[:2])
