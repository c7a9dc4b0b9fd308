"""Means and paired differences of one metric over records, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from benchmarks.comparison.bootstrap import (
    Estimate,
    Resamples,
    draw_resamples,
    estimate_of_draws,
    estimate_table,
    mean_of_table,
    resampled_means,
    tabulate,
)
from benchmarks.records.record import Record

SEED = 0  # of every estimate, so that a report does not depend on the order of its tables
FEW_CLUSTERS = 6


def seeded() -> torch.Generator:
    """Return the generator of one bootstrap."""
    return torch.Generator().manual_seed(SEED)


@lru_cache(maxsize=2)
def seeded_resamples(cluster_count: int, seed_count: int) -> list[Resamples]:
    """Draw the resamples of an estimate; cached, because the estimates of a table share them."""
    return list(draw_resamples(cluster_count, seed_count, seeded()))


@dataclass(frozen=True)
class Comparison:
    """A comparison of records by one metric, clustered, nested in training seeds.

    Args:
        metric: key in `Record.metrics`; records without it are left out.
        complete: both sides of a difference must hold the same items; otherwise the items that both hold are paired.
        fewest: least number of clusters for which a bootstrap is evidence; with fewer, the p value is 1.
    """

    metric: str = "score"
    complete: bool = False
    fewest: int = 0

    def estimate(self, records: Sequence[Record]) -> Estimate | None:
        """Estimate the mean over clusters and seeds; None where no record has the metric."""
        measured = [record for record in records if self.metric in record.metrics]
        return self.estimate_values([r.metrics[self.metric] for r in measured], measured) if measured else None

    def difference(self, first: Sequence[Record], second: Sequence[Record]) -> Estimate | None:
        """Estimate first - second, paired by item, over the seeds that both sides have; None where there is no pair.

        Raises:
            ValueError: `complete` is set and the two sides hold other items, questions or answers.
        """
        seeds = {record.seed for record in first} & {record.seed for record in second}
        one, other = ([r for r in side if r.seed in seeds] for side in (first, second))
        pairs = pair_records(one, other) if self.complete else self._shared(one, other)
        if not pairs:
            return None
        gaps = [a.metrics[self.metric] - b.metrics[self.metric] for a, b in pairs]
        return self.estimate_values(gaps, [a for a, _ in pairs])

    def estimate_values(self, values: Sequence[float], records: Sequence[Record]) -> Estimate:
        """Estimate the mean of values, one per record.

        Raises:
            ValueError: there are no values.
        """
        table, counts = tabulate(values, [r.cluster for r in records], [r.seed for r in records])
        seed_count, cluster_count = table.shape
        resamples = seeded_resamples(cluster_count, seed_count)
        return self._of_enough(estimate_table(table, counts, resamples), cluster_count)

    def estimate_ratio(
        self, above: Sequence[float], below: Sequence[float], records: Sequence[Record]
    ) -> Estimate | None:
        """Estimate the ratio of two means, from two values for each record; every resample draws both together.

        Returns None where the mean below is not clearly above zero: a ratio to it says nothing.

        Raises:
            ValueError: there are no values.
        """
        clusters, seeds = [r.cluster for r in records], [r.seed for r in records]
        tables = [tabulate(values, clusters, seeds) for values in (above, below)]
        seed_count, cluster_count = tables[0][0].shape
        resamples = seeded_resamples(cluster_count, seed_count)
        mean, other_mean = (mean_of_table(*table) for table in tables)
        drawn, other_drawn = (resampled_means(*table, resamples) for table in tables)
        if estimate_of_draws(other_mean, other_drawn).low <= 0:
            return None
        return self._of_enough(estimate_of_draws(mean / other_mean, drawn / other_drawn), cluster_count)

    def _of_enough(self, estimate: Estimate, cluster_count: int) -> Estimate:
        return estimate if cluster_count >= self.fewest else replace(estimate, p_value=1.0)

    def _shared(self, first: Sequence[Record], second: Sequence[Record]) -> list[tuple[Record, Record]]:
        partners = {record.key: record for record in second if self.metric in record.metrics}
        return [(r, partners[r.key]) for r in first if self.metric in r.metrics and r.key in partners]


def pair_records(first: Sequence[Record], second: Sequence[Record]) -> list[tuple[Record, Record]]:
    """Join two arms by task, item and training seed, in the order of the first.

    Raises:
        ValueError: an item is missing in one of them, or has another question or answer there.
    """
    one, other = {r.key: r for r in first}, {r.key: r for r in second}
    if alone := one.keys() ^ other.keys():
        task, item, seed = min(alone)
        raise ValueError(
            f"{len(alone)} items have no partner, first {task} {item} of seed {seed}: "
            "two arms compare only on the same items with the same seeds"
        )
    for key, record in one.items():
        if (record.question, record.answer) != (other[key].question, other[key].answer):
            raise ValueError(f"item {record.item} of {record.task} is another question in each arm: score both anew")
    return [(record, other[key]) for key, record in one.items()]
