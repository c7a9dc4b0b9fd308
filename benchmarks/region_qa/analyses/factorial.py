"""A 2 x 2 factorial of arms: the main effect of each factor, and their interaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.records.record import Record
from benchmarks.region_qa.scores import ACCURACY, paired_scores

Cells = tuple[tuple[str, str], tuple[str, str]]  # arms: rows without and with the first factor, columns the second


@dataclass(frozen=True)
class Effects:
    """Main effects of two factors on accuracy, and their interaction (difference of differences)."""

    category: str
    first: Estimate
    second: Estimate
    interaction: Estimate


def factorial_effects(records: Sequence[Record], cells: Cells, category: str) -> Effects | None:
    """Estimate the effects of a 2 x 2 of arms on a category or a group, over the seeds that all four share.

    Returns None if they share none.
    """
    base, columns = paired_scores(records, [arm for row in cells for arm in row], category)
    if not base:
        return None
    neither, second, first, both = columns

    def estimate(values: torch.Tensor) -> Estimate:
        return ACCURACY.estimate_values(values.tolist(), base)

    return Effects(
        category,
        estimate((first + both - neither - second) / 2),
        estimate((second + both - neither - first) / 2),
        estimate(both - first - second + neither),
    )
