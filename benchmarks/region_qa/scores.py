"""The table of a study: score of every arm by category, and paired differences, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from benchmarks.metrics import log_error, relative_error
from benchmarks.records.record import Record, pair_records
from benchmarks.region_qa.blind_baselines import best_number
from benchmarks.region_qa.categories import GROUPS, ORDER, members
from benchmarks.statistics import Estimate, bootstrap, holm, paired_bootstrap

SEED = 0  # of the resampling
LEVEL = 0.05


@dataclass(frozen=True)
class Score:
    """A mean with its 95 % interval, as printed in tables. `clear` differences are bold."""

    estimate: Estimate
    signed: bool = False
    clear: bool = False

    def text(self) -> str:
        """Write `0.812 [0.790, 0.833]`; differences carry their sign."""
        form = "{:+.3f} [{:+.3f}, {:+.3f}]" if self.signed else "{:.3f} [{:.3f}, {:.3f}]"
        return form.format(self.estimate.mean, self.estimate.low, self.estimate.high)


@dataclass(frozen=True)
class Row:
    """One category, or a group of them pooled: items a seed, the best constant answer, arms, contrasts.

    The constant sees the test answers. `no_time` is what a model without timestamps reaches at most (see
    `no_time_ceiling`), where that can be computed. A difference is None where the two arms share no seed.
    """

    category: str
    items: int
    constant: float
    scores: tuple[Score, ...]
    differences: tuple[Score | None, ...]
    unparsed: float
    no_time: float | None = None


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
    return sorted({record.category for record in records}, key=ORDER.index)


def rows_of(records: Sequence[Record]) -> list[str]:
    """List the categories, and the groups that pool two or more of them."""
    present = categories_of(records)
    return [*present, *(group for group in GROUPS if len(set(members(group)) & set(present)) > 1)]


def score_rows(records: Sequence[Record], contrasts: Sequence[tuple[str, str]] = ()) -> list[Row]:
    """Estimate every arm and every contrast (first minus second) in every category, and pooled over groups.

    Raises:
        ValueError: a contrast names an arm without records, or arms that answered different items.
    """
    arms = arms_of(records)
    if unknown := {arm for contrast in contrasts for arm in contrast} - set(arms):
        raise ValueError(f"no records of arm {', '.join(sorted(unknown))}: there are {', '.join(arms)}")
    ceilings = no_time_ceiling(records)
    rows = []
    for name in rows_of(records):
        inside = set(members(name))
        of_arm = {arm: [r for r in records if r.arm == arm and r.category in inside] for arm in arms}
        every = [r for group in of_arm.values() for r in group]
        first = list({r.item: r for r in of_arm[arms[0]]}.values())
        rows.append(
            Row(
                category=name,
                items=len(first),
                constant=constant_score(first),
                scores=tuple(Score(mean_score(of_arm[arm])) for arm in arms),
                differences=tuple(contrast_score(of_arm[a], of_arm[b]) for a, b in contrasts),
                unparsed=float(np.mean([r.parsed is None for r in every])),
                no_time=ceilings.get(name),
            )
        )
    return rows


def contrast_score(first: Sequence[Record], second: Sequence[Record]) -> Score | None:
    """Estimate the paired difference over the seeds that both arms have; None where there is none."""
    seeds = {r.seed for r in first} & {r.seed for r in second}
    if not seeds:
        return None
    one, other = ([r for r in records if r.seed in seeds] for records in (first, second))
    return Score(difference(one, other), signed=True)


def mark_clear(
    rows: Sequence[Row], contrasts: Sequence[tuple[str, str]], primary: Sequence[tuple[str, tuple[str, str]]]
) -> list[Row]:
    """Mark the clear differences of one table.

    A primary endpoint (category and contrast, named before the run) is clear where its interval excludes 0, every other
    one where its p value, adjusted by Holm over all others of the table, is below 0.05.
    """
    secondary = {
        f"{row.category}|{number}": found.estimate.p_value
        for row in rows
        for number, found in enumerate(row.differences)
        if found is not None and (row.category, contrasts[number]) not in primary
    }
    adjusted = holm(secondary)

    def marked(row: Row, number: int, found: Score | None) -> Score | None:
        if found is None:
            return None
        p_value = adjusted.get(f"{row.category}|{number}")
        return replace(found, clear=found.estimate.excludes_zero if p_value is None else p_value < LEVEL)

    return [
        replace(row, differences=tuple(marked(row, number, found) for number, found in enumerate(row.differences)))
        for row in rows
    ]


def no_time_ceiling(records: Sequence[Record]) -> dict[str, float]:
    """Compute what a model that cannot know the time reaches at most, in `elapsed` and `speed`.

    Such a model may know every displacement exactly. Durations are drawn independently of all that frames show, so
    that its best answer is one duration for all clips (and displacement over it, for a speed). The best one is chosen
    on these very items. Empty where `elapsed` was not asked: it tells how long the clips take.
    Source: specs/rgpt4d.md section 7, prediction 3.
    """
    duration = {r.cluster: r.value for r in records if r.category == "elapsed" and r.value is not None}
    found = {}
    for category in ("elapsed", "speed"):
        items = {r.item: duration[r.cluster] for r in records if r.category == category and r.cluster in duration}
        if items:
            found[category] = share_within(np.array(list(items.values())))
    return found


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
    """Score the best constant answer in each category, over all records (one of each item).

    That is the most frequent letter, or the number with most truths within a ratio of 1.25. It is chosen on these very
    items, so it is an upper bound of what a blind constant reaches.
    """
    total = 0.0
    for category in categories_of(records):
        inside = [r for r in records if r.category == category]
        values = [r.value for r in inside if r.value is not None]
        if values:
            total += len(inside) * share_within(np.array(values, dtype=np.float64))
        else:
            answers = [r.answer for r in inside]
            total += max(answers.count(answer) for answer in set(answers))
    return total / len(records)


def share_within(values: Float[np.ndarray, "item"]) -> float:
    """Measure the share of these values that one number, the best, is within a ratio of 1.25 of."""
    best = best_number(values)
    return float(np.mean(np.maximum(values / best, best / values) < 1.25))


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
