"""The table of a study: score of every arm by category, and paired differences, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.metrics import log_error, relative_error
from benchmarks.records import Record, pair_records
from benchmarks.statistics import Estimate, bootstrap, paired_bootstrap
from benchmarks.text_only import best_number
from scenes.questions import CATEGORIES

SEED = 0  # of the resampling


@dataclass(frozen=True)
class Score:
    """A mean with its 95 % interval, as printed in tables."""

    estimate: Estimate
    signed: bool = False

    def text(self) -> str:
        """Write `0.812 [0.790, 0.833]`; differences carry their sign."""
        form = "{:+.3f} [{:+.3f}, {:+.3f}]" if self.signed else "{:.3f} [{:.3f}, {:.3f}]"
        return form.format(self.estimate.mean, self.estimate.low, self.estimate.high)


@dataclass(frozen=True)
class Row:
    """One category: items a seed, the best constant answer (which sees the test answers), arms, contrasts."""

    category: str
    items: int
    constant: float
    scores: tuple[Score, ...]
    differences: tuple[Score, ...]
    unparsed: float


@dataclass(frozen=True)
class NumericError:
    """How far numeric answers of one arm are from the truth; those that are no positive number are only counted."""

    category: str
    arm: str
    median_relative: float
    mean_log: float
    unparsed: float


def arms_of(records: Sequence[Record]) -> list[str]:
    """List the arms in the order of their first record."""
    return list(dict.fromkeys(record.arm for record in records))


def categories_of(records: Sequence[Record]) -> list[str]:
    """List the categories in the order of `scenes.questions.CATEGORIES`."""
    return sorted({record.category for record in records}, key=list(CATEGORIES).index)


def score_rows(records: Sequence[Record], contrasts: Sequence[tuple[str, str]] = ()) -> list[Row]:
    """Estimate every arm and every contrast (first minus second) in every category.

    Raises:
        ValueError: a contrast names an arm without records, or arms that answered different items.
    """
    arms = arms_of(records)
    if unknown := {arm for contrast in contrasts for arm in contrast} - set(arms):
        raise ValueError(f"no records of arm {', '.join(sorted(unknown))}: there are {', '.join(arms)}")
    rows = []
    for category in categories_of(records):
        of_arm = {arm: [r for r in records if r.arm == arm and r.category == category] for arm in arms}
        every = [r for group in of_arm.values() for r in group]
        first = of_arm[arms[0]]
        rows.append(
            Row(
                category=category,
                items=len({r.item for r in first}),
                constant=constant_score(first),
                scores=tuple(Score(mean_score(of_arm[arm])) for arm in arms),
                differences=tuple(Score(difference(of_arm[a], of_arm[b]), signed=True) for a, b in contrasts),
                unparsed=float(np.mean([r.parsed is None for r in every])),
            )
        )
    return rows


def mean_score(records: Sequence[Record]) -> Estimate:
    """Estimate the mean score of one arm, resampling clips (and seeds, where there are several)."""
    return bootstrap(
        [r.score for r in records],
        [r.cluster for r in records],
        [r.seed for r in records],
        generator=torch.Generator().manual_seed(SEED),
    )


def difference(first: Sequence[Record], second: Sequence[Record]) -> Estimate:
    """Estimate the paired difference of two arms on the same items."""
    pairs = pair_records(first, second)
    return paired_bootstrap(
        [a.score for a, _ in pairs],
        [b.score for _, b in pairs],
        [a.cluster for a, _ in pairs],
        [a.seed for a, _ in pairs],
        generator=torch.Generator().manual_seed(SEED),
    )


def constant_score(records: Sequence[Record]) -> float:
    """Score the best constant answer: the most frequent letter, or the number with most truths within a ratio of 1.25.

    It is chosen on these very items, so it is an upper bound of what a blind constant reaches.
    """
    values = np.array([r.value for r in records if r.value is not None], dtype=np.float64)
    if len(values):
        best = best_number(values)
        return float(np.mean(np.maximum(values / best, best / values) < 1.25))
    answers = [r.answer for r in records]
    return max(answers.count(answer) for answer in set(answers)) / len(answers)


def numeric_errors(records: Sequence[Record]) -> list[NumericError]:
    """Measure the errors of numeric answers, by category and arm."""
    groups: Mapping[tuple[str, str], list[Record]] = {
        (category, arm): [r for r in records if (r.category, r.arm) == (category, arm) and r.value is not None]
        for category in categories_of(records)
        for arm in arms_of(records)
    }
    errors = []
    for (category, arm), group in groups.items():
        if not group:
            continue
        said = np.array([r.parsed if isinstance(r.parsed, float) else np.nan for r in group])
        truth = np.array([r.value for r in group], dtype=np.float64)
        read = said > 0  # a logarithm needs a positive number
        errors.append(
            NumericError(
                category,
                arm,
                float(np.median(relative_error(said, truth)[read])) if read.any() else float("nan"),
                float(np.mean(log_error(said, truth)[read])) if read.any() else float("nan"),
                float((~read).mean()),
            )
        )
    return errors
