"""A lifting study as data: records of all methods, and the estimates of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.comparison import FEW_CLUSTERS, Comparison
from benchmarks.comparison.metric import Metric
from benchmarks.lifting.rewards import Reward
from benchmarks.lifting.speed import Speed
from benchmarks.records.record import Record
from benchmarks.report.study import Study
from scenes.photographs.photo import plural

EDGES = (0.2, 0.5)  # hidden shares that separate the bins
BINS = ("0-20 %", "20-50 %", "50-80 %")
ALL = "all"
GROUPS = (*BINS, ALL)
Pair = tuple[str, str]  # two methods


def lift_comparison(metric: str) -> Comparison:
    """Compare methods by a metric, on the objects that both have."""
    return Comparison(metric, fewest=FEW_CLUSTERS)


@dataclass(frozen=True, kw_only=True)
class LiftStudy(Study):
    """A study of lifting.

    Args:
        records: one record per evaluation set (`task`), method (`arm`), object and candidate.
        main: the arm that is compared with all baselines.
        baselines: methods without a network.
        effects: pairs of methods, the first minus the second, by name.
        win_rates: pairs of methods whose candidates are compared one by one, by name.
        speeds: timings of arms.
        published: published means by the name of a system and a metric, to stand beside ours.
        differences: what differs between the published measurement and this one, in words.
    """

    records: Sequence[Record]
    main: str | None = None
    baselines: Sequence[str] = ()
    effects: Mapping[str, Pair] = field(default_factory=dict)
    win_rates: Mapping[str, Pair] = field(default_factory=dict)
    speeds: Sequence[Speed] = ()
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    differences: Sequence[str] = ()

    @cached_property
    def tests(self) -> list[str]:
        """The evaluation sets, in order."""
        return list(dict.fromkeys(record.task for record in self.records))

    @cached_property
    def methods(self) -> list[str]:
        """The methods, in order."""
        return list(dict.fromkeys(record.arm for record in self.records))

    @cached_property
    def _by_method(self) -> Mapping[tuple[str, str], list[Record]]:
        groups: dict[tuple[str, str], list[Record]] = {}
        for record in self.records:
            groups.setdefault((record.task, record.arm), []).append(record)
        return groups

    def candidates_of(self, test: str, method: str, group: str = ALL) -> list[Record]:
        """List the records of a method in a group of objects, all candidates."""
        records = self._by_method.get((test, method), [])
        return [record for record in records if group in (ALL, bin_of(record))]

    def of(self, test: str, method: str, group: str = ALL) -> list[Record]:
        """List the first candidates of a method in a group of objects."""
        return [record for record in self.candidates_of(test, method, group) if record.candidate == 0]

    def measures(self, test: str, metrics: Sequence[Metric]) -> list[Metric]:
        """List those metrics that some method has on an evaluation set."""
        keys = {key for record in self.records if record.task == test for key in record.metrics}
        return [metric for metric in metrics if metric.key in keys]

    def bins(self, test: str) -> list[str]:
        """List the bins of the hidden share; none where it is not known."""
        known = any("occlusion" in record.facts for record in self.records if record.task == test)
        return list(BINS) if known else []

    def count(self, test: str, method: str, metric: str, group: str = ALL) -> int:
        """Count the objects that have a metric; those without a mesh, or without ICP, do not."""
        return sum(metric in record.metrics for record in self.of(test, method, group))

    def estimate(self, test: str, method: str, metric: str, group: str = ALL) -> Estimate | None:
        """Estimate the mean of a metric; None where no object has it."""
        return lift_comparison(metric).estimate(self.of(test, method, group))

    def difference(self, test: str, first: str, second: str, metric: str, group: str = ALL) -> Estimate | None:
        """Estimate first - second on the objects that both have; None where there are none."""
        return lift_comparison(metric).difference(self.of(test, first, group), self.of(test, second, group))

    def failures(self, test: str, method: str) -> int:
        """Count the first candidates that gave no mesh."""
        return sum(bool(record.reason) for record in self.of(test, method))

    def candidates(self, method: str) -> int:
        """Count the candidates of a method."""
        return 1 + max((record.candidate for record in self.records if record.arm == method), default=-1)

    def chosen(self, test: str, method: str, reward: Reward, count: int) -> list[Record]:
        """Choose the best of the first `count` candidates of each object, by a reward of its metrics."""
        best: dict[str, tuple[float, Record]] = {}
        for record in self.candidates_of(test, method):
            if record.candidate < count and record.metrics:
                worth = reward(record.metrics)
                if record.item not in best or worth > best[record.item][0]:
                    best[record.item] = worth, record
        return [record for _, record in best.values()]

    def win_rate(self, test: str, first: str, second: str, reward: Reward) -> Estimate | None:
        """Estimate how often the first has the greater reward than the second, with the same object and noise.

        A tie is half a win. The p value is against one half. Candidates of an object stay together.
        """
        rivals = {(r.item, r.candidate): r for r in self.candidates_of(test, second) if r.metrics}
        records = [r for r in self.candidates_of(test, first) if r.metrics and (r.item, r.candidate) in rivals]
        if not records:
            return None
        gaps = [reward(r.metrics) - reward(rivals[r.item, r.candidate].metrics) for r in records]
        wins = [(gap > 0) + 0.5 * (gap == 0) - 0.5 for gap in gaps]
        rate = lift_comparison("").estimate_values(wins, records)
        return replace(rate, mean=rate.mean + 0.5, low=rate.low + 0.5, high=rate.high + 0.5)


def words(test: str) -> str:
    """Name an evaluation set."""
    return test.replace("_", " ")


def counted(count: int, records: Sequence[Record]) -> str:
    """Count objects, or pictures and objects where several pictures show the same object (a cluster of records)."""
    objects = len({record.cluster for record in records})
    if not 0 < objects < count:
        return plural(count, "object")
    return f"{plural(count, 'picture')} of {plural(objects, 'object')}"


def bin_of(record: Record) -> str:
    """Name the bin of the hidden share of an object; "" where it is not known."""
    occlusion = cast(float | None, record.facts.get("occlusion"))
    return "" if occlusion is None else BINS[sum(occlusion >= edge for edge in EDGES)]
