"""Scores of every arm by category, and paired differences between arms, with 95 % intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.comparison import Comparison, pair_records
from benchmarks.comparison.holm import clear_differences
from benchmarks.metrics import log_error, relative_error
from benchmarks.records.record import Record
from benchmarks.region_qa.blind_baselines import best_number
from benchmarks.region_qa.categories import GROUPS, ROW_ORDER, members

ACCURACY = Comparison("score", complete=True)
Contrast = tuple[str, str]  # two arms, the first minus the second


@dataclass(frozen=True)
class Row:
    """The scores of one category, or of a group of categories pooled.

    Args:
        category: category or group.
        items: number of items per seed.
        constant: score of the best constant answer, which is chosen on the test answers; None where it is not known.
        scores: score of every arm.
        differences: difference of every contrast; None if its arms share no seed.
        unparsed: share of unparsed answers.
        no_time: upper bound for a model without timestamps (see `no_time_ceiling`), where it can be computed.
        clear: indices of the clear differences (see `mark_clear`).
    """

    category: str
    items: int
    constant: float | None
    scores: tuple[Estimate, ...]
    differences: tuple[Estimate | None, ...]
    unparsed: float
    no_time: float | None = None
    clear: frozenset[int] = frozenset()


@dataclass(frozen=True)
class NumericError:
    """Errors of one arm's numeric answers; `unparsed` is the share that is not a positive number, which is left out."""

    category: str
    arm: str
    median_relative: float
    mean_log: float
    unparsed: float


def arms_of(records: Sequence[Record]) -> list[str]:
    """List the arms, in order of their first record."""
    return list(dict.fromkeys(record.arm for record in records))


def categories_of(records: Sequence[Record]) -> list[str]:
    """List the categories: those of `scenes.questions.CATEGORIES` in its order, then others as they first appear."""
    found = dict.fromkeys(record.category for record in records)
    return [*(one for one in ROW_ORDER if one in found), *(one for one in found if one not in ROW_ORDER)]


def rows_of(records: Sequence[Record]) -> list[str]:
    """List the categories, then the groups that pool two or more of them."""
    present = categories_of(records)
    return [*present, *(group for group in GROUPS if len(set(members(group)) & set(present)) > 1)]


def score_rows(records: Sequence[Record], contrasts: Sequence[Contrast] = ()) -> list[Row]:
    """Estimate every arm and every contrast (first minus second) in every category and group.

    Raises:
        ValueError: a contrast names an arm without records, or its arms answered different items.
    """
    arms = arms_of(records)
    if unknown := {arm for contrast in contrasts for arm in contrast} - set(arms):
        raise ValueError(f"no records of arm {', '.join(sorted(unknown))}; the arms are: {', '.join(arms)}")
    ceilings = no_time_ceiling(records)
    rows = []
    for name in rows_of(records):
        categories = set(members(name))
        by_arm = {arm: [r for r in records if r.arm == arm and r.category in categories] for arm in arms}
        of_all_arms = [r for group in by_arm.values() for r in group]
        items = list({r.item: r for r in by_arm[arms[0]]}.values())
        rows.append(
            Row(
                category=name,
                items=len(items),
                constant=constant_score(items),
                scores=tuple(mean_score(by_arm[arm]) for arm in arms),
                differences=tuple(ACCURACY.difference(by_arm[a], by_arm[b]) for a, b in contrasts),
                unparsed=float(np.mean([r.parsed is None for r in of_all_arms])),
                no_time=ceilings.get(name),
            )
        )
    return rows


def mark_clear(
    rows: Sequence[Row], contrasts: Sequence[Contrast], primary: Sequence[tuple[str, Contrast]]
) -> list[Row]:
    """Mark the clear differences of one table; `primary` lists endpoints as (category, contrast)."""
    table = {
        (row.category, contrast): difference
        for row in rows
        for contrast, difference in zip(contrasts, row.differences, strict=True)
        if difference is not None
    }
    clear = clear_differences(table, primary)
    return [
        replace(row, clear=frozenset(k for k, contrast in enumerate(contrasts) if (row.category, contrast) in clear))
        for row in rows
    ]


def no_time_ceiling(records: Sequence[Record]) -> dict[str, float]:
    """Bound the score of a model without timestamps in `elapsed` and `speed`.

    Such a model may know every displacement exactly. Durations are drawn independently of the frames, so its best
    answer is the same duration for all clips (and displacement over this duration, for a speed). The best duration is
    chosen on these items. Empty without `elapsed` questions, whose answers are the durations of the clips.
    Source: specs/rgpt4d.md section 7, prediction 3.
    """
    duration = {r.cluster: r.value for r in records if r.category == "elapsed" and r.value is not None}
    bounds = {}
    for category in ("elapsed", "speed"):
        items = {r.item: duration[r.cluster] for r in records if r.category == category and r.cluster in duration}
        if items:
            bounds[category] = share_within(np.array(list(items.values())))
    return bounds


def mean_score(records: Sequence[Record]) -> Estimate:
    """Estimate the mean score of one arm.

    Raises:
        ValueError: there are no records.
    """
    return ACCURACY.estimate_values([record.score for record in records], records)


def paired_scores(
    records: Sequence[Record], arms: Sequence[str], category: str
) -> tuple[list[Record], Float[Tensor, "arm item"]]:
    """Line up the scores of arms in a category or a group, item by item, over the seeds that all of them share.

    Returns the records of the first arm, and the scores of each; none where they share no seed.

    Raises:
        ValueError: the arms answered different items.
    """
    categories = set(members(category))
    by_arm = [[r for r in records if r.arm == arm and r.category in categories] for arm in arms]
    seeds = set.intersection(*({r.seed for r in group} for group in by_arm))
    by_arm = [[r for r in group if r.seed in seeds] for group in by_arm]
    base = by_arm[0]
    scores = [[other.score for _, other in pair_records(base, group)] for group in by_arm]
    return base, torch.tensor(scores, dtype=torch.float64)


def constant_score(records: Sequence[Record]) -> float | None:
    """Score the best constant answer in each category, over all records (one of each item).

    That is the most frequent letter, or the number within a ratio of 1.25 of the most truths. It is chosen on these
    items, and so bounds any constant from above. None where numbers or words are scored by another metric.
    """
    if any("metric" in record.facts and not record.options for record in records):
        return None
    total = 0.0
    for category in categories_of(records):
        of_category = [r for r in records if r.category == category]
        values = [r.value for r in of_category if r.value is not None]
        if values:
            total += len(of_category) * share_within(np.array(values, dtype=np.float64))
        else:
            total += max(Counter(r.answer for r in of_category).values())
    return total / len(records)


def share_within(values: Float[np.ndarray, "item"]) -> float:
    """Compute the share of values within a ratio of 1.25 of the best constant."""
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
        numbers = np.array([r.parsed if isinstance(r.parsed, float) else np.nan for r in group])
        truth = np.array([r.value for r in group], dtype=np.float64)
        positive = numbers > 0  # a logarithm needs a positive number
        errors.append(
            NumericError(
                category,
                arm,
                float(np.median(relative_error(numbers, truth)[positive])) if positive.any() else float("nan"),
                float(np.mean(log_error(numbers, truth)[positive])) if positive.any() else float("nan"),
                float((~positive).mean()),
            )
        )
    return errors
