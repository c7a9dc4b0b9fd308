"""The evaluation of lifting as its report needs it: records of all methods, estimates, differences, choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from benchmarks.lifting.records import LiftRecord
from benchmarks.lifting.speed import Speed
from benchmarks.records.manifest import Manifest
from benchmarks.statistics import Estimate, bootstrap

SEED = 0  # of the bootstrap
FEW = 6  # clusters
EDGES = (0.2, 0.5)  # of hidden shares, between the bins
BINS = ("0-20 %", "20-50 %", "50-80 %")
ALL = "all"
GROUPS = (*BINS, ALL)
Scores = Mapping[str, float]  # item -> value


@dataclass(frozen=True)
class LiftStudy:
    """What a report is made from.

    `main` is the arm that is compared with all baselines; `effects` and `win_rates` name pairs of methods, first
    against second.
    """

    title: str
    summary: str
    records: Sequence[LiftRecord]
    manifest: Manifest
    main: str | None = None
    baselines: Sequence[str] = ()
    effects: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    win_rates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    speeds: Sequence[Speed] = ()
    missing: Sequence[str] = ()

    @cached_property
    def tests(self) -> list[str]:
        """The test sets, in order."""
        return list(dict.fromkeys(record.test for record in self.records))

    @cached_property
    def methods(self) -> list[str]:
        """The methods, in order."""
        return list(dict.fromkeys(record.method for record in self.records))

    @cached_property
    def _by_method(self) -> Mapping[tuple[str, str], list[LiftRecord]]:
        found: dict[tuple[str, str], list[LiftRecord]] = {}
        for record in self.records:
            found.setdefault((record.test, record.method), []).append(record)
        return found

    def of(self, test: str, method: str, group: str = ALL) -> list[LiftRecord]:
        """List the records of a method in a group, all candidates."""
        found = self._by_method.get((test, method), [])
        return [record for record in found if group in (ALL, bin_of(record.occlusion))]

    def scores(self, test: str, method: str, metric: str, group: str = ALL, candidate: int = 0) -> dict[str, float]:
        """Look up a metric by item; items that lack it (no mesh, no ICP) are left out."""
        return {
            record.item: record.scores[metric]
            for record in self.of(test, method, group)
            if record.candidate == candidate and metric in record.scores
        }

    def estimate(self, test: str, method: str, metric: str, group: str = ALL) -> Estimate | None:
        """Estimate the mean of a metric; None where no item has it."""
        return estimate_of(self.scores(test, method, metric, group))

    def difference(self, test: str, first: str, second: str, metric: str, group: str = ALL) -> Estimate | None:
        """Estimate first - second on the items that both have; None where there are none."""
        return difference_of(*(self.scores(test, method, metric, group) for method in (first, second)))

    def failures(self, test: str, method: str) -> int:
        """Count the first candidates that gave no mesh."""
        return sum(record.candidate == 0 and bool(record.failed) for record in self.of(test, method))

    def candidates(self, method: str) -> int:
        """Count the candidates of a method."""
        return 1 + max((record.candidate for record in self.records if record.method == method), default=-1)

    def chosen(self, test: str, method: str, metric: str, reward: Callable[[Scores], float], count: int) -> Scores:
        """Take the metric of the best of the first `count` candidates of each item, by a reward of its scores."""
        best: dict[str, tuple[float, float]] = {}
        for record in self.of(test, method):
            if record.candidate < count and metric in record.scores:
                worth = (reward(record.scores), record.scores[metric])
                if record.item not in best or worth[0] > best[record.item][0]:
                    best[record.item] = worth
        return {item: value for item, (_, value) in best.items()}

    def win_rate(self, test: str, first: str, second: str, reward: Callable[[Scores], float]) -> Estimate | None:
        """Estimate how often the first has the greater reward than the second, with the same item and noise.

        A tie is half a win. The p value is against one half. Candidates of an item stay together.
        """
        theirs = {(r.item, r.candidate): r.scores for r in self.of(test, second) if r.scores}
        pairs = [
            (r.item, reward(r.scores) - reward(theirs[r.item, r.candidate]))
            for r in self.of(test, first)
            if r.scores and (r.item, r.candidate) in theirs
        ]
        if not pairs:
            return None
        wins = [(gap > 0) + 0.5 * (gap == 0) - 0.5 for _, gap in pairs]
        found = clustered(wins, [item for item, _ in pairs])
        return Estimate(found.mean + 0.5, found.low + 0.5, found.high + 0.5, found.p_value)


def bin_of(occlusion: float) -> str:
    """Name the bin of a hidden share."""
    return BINS[sum(occlusion >= edge for edge in EDGES)]


def estimate_of(scores: Scores) -> Estimate | None:
    """Estimate a mean over items."""
    return clustered(list(scores.values()), list(scores)) if scores else None


def clustered(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """Estimate a mean over values of which those of a cluster depend on each other.

    A bootstrap of fewer than FEW clusters says nothing: their p value is 1.
    """
    found = bootstrap(values, clusters, [0] * len(values), generator=seeded())
    return found if len(set(clusters)) >= FEW else replace(found, p_value=1.0)


def difference_of(first: Scores, second: Scores) -> Estimate | None:
    """Estimate a mean difference on shared items."""
    shared = [item for item in first if item in second]
    if not shared:
        return None
    return clustered([first[item] - second[item] for item in shared], shared)


def seeded() -> torch.Generator:
    """Begin the bootstrap's random numbers again, so that a report does not depend on the order of its tables."""
    return torch.Generator().manual_seed(SEED)


def true_reward(scores: Scores) -> float:
    """Reward by the truth: minus the Chamfer distance of the shapes, each in its own axes, since DPO learns no pose."""
    return -scores["canonical_chamfer"]


def oracle_reward(scores: Scores) -> float:
    """Reward a candidate by the truth as it stands: minus ADD-S."""
    return -scores["add_s"]


def visible_reward(scores: Scores) -> float:
    """Reward by what is seen alone; candidates of a method that saw no points are equal."""
    return scores.get("visible_reward", 0.0)


def connected_reward(scores: Scores) -> float:
    """Reward the share of the surface that is in one piece."""
    return scores["pieces"]
