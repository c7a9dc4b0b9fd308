"""Accuracy of numeric answers by the duration of their clip: what holds for times that lie far apart, or between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.records.record import Record
from benchmarks.region_qa.scores import arms_of, mean_score

CATEGORIES = ("elapsed", "speed", "displacement")
FEWEST_OCTAVES = 3
FEWEST_DURATIONS = 0.5  # different ones, as a share of the clips: a test set of a few durations has no curve


@dataclass(frozen=True)
class DurationBin:
    """The scores of every arm on clips of `low` to `high` seconds, in one category."""

    category: str
    low: float
    high: float
    items: int
    scores: dict[str, Estimate]


def duration_bins(records: Sequence[Record]) -> list[DurationBin]:
    """Score every arm by octave of the duration of a clip, which the `elapsed` question about it reveals.

    Empty where durations are a few values or span less than three octaves.
    """
    durations = {r.cluster: r.value for r in records if r.category == "elapsed" and r.value}
    if len(set(durations.values())) <= FEWEST_DURATIONS * len(durations):
        return []
    shortest, longest = min(durations.values()), max(durations.values())
    octaves = math.ceil(math.log2(longest / shortest))
    if octaves < FEWEST_OCTAVES:
        return []
    step = math.log2(longest / shortest) / octaves
    bins = []
    for category in CATEGORIES:
        of_category = [r for r in records if r.category == category and r.cluster in durations]
        groups: dict[int, list[Record]] = {}
        for record in of_category:
            octave = int(math.log2(durations[record.cluster] / shortest) / step)
            groups.setdefault(min(octave, octaves - 1), []).append(record)
        for octave, group in sorted(groups.items()):
            low, high = (shortest * 2 ** (step * edge) for edge in (octave, octave + 1))
            scores = {arm: mean_score([r for r in group if r.arm == arm]) for arm in arms_of(group)}
            bins.append(DurationBin(category, low, high, len({r.item for r in group}), scores))
    return bins
