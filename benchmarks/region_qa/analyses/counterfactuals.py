"""Whether answers follow what a model is given: counterfactual worlds, one number a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.metrics import ratio_accuracy
from benchmarks.records.record import Record
from benchmarks.region_qa.scores import ACCURACY, arms_of
from benchmarks.region_qa.tasks.counterfactual import CHANGES, KIND, ORIGINAL


@dataclass(frozen=True)
class Following:
    """How the answers of one arm take one kind of change.

    Args:
        kind: what was changed.
        arm: the model.
        follows: of the items whose truth changes, the share that is right before the change and right after it. Truths
            are so far apart that no answer is right both times, so that a model which ignores the change, such as a
            constant, has exactly 0.
        stays: of the items whose truth stays, the share whose answer stays: the same letter, or a number within a
            ratio of 1.25.
        chance: `follows` of a guess among the options; a number is not guessed.
        followed: number of items whose truth changes, per seed.
        stayed: number of items whose truth stays, per seed.
    """

    kind: str
    arm: str
    follows: Estimate | None
    stays: Estimate | None
    chance: float
    followed: int
    stayed: int


def followings(records: Sequence[Record]) -> list[Following]:
    """Measure every kind and arm, kinds in the order of their first record; intervals are over clips and seeds."""
    originals = {(r.arm, r.seed, r.item): r for r in records if KIND not in r.facts}
    pairs = [
        (before, r)
        for r in records
        if KIND in r.facts and (before := originals.get((r.arm, r.seed, str(r.facts[ORIGINAL])))) is not None
    ]
    kinds = dict.fromkeys(str(after.facts[KIND]) for _, after in pairs)
    return [_following(kind, arm, pairs) for kind in kinds for arm in arms_of(records)]


def _following(kind: str, arm: str, pairs: Sequence[tuple[Record, Record]]) -> Following:
    chosen = [pair for pair in pairs if pair[1].arm == arm and pair[1].facts[KIND] == kind]
    changed, same = ([pair for pair in chosen if pair[1].facts[CHANGES] is truth] for truth in (True, False))
    chances = [1 / len(after.options) ** 2 if after.options else 0.0 for _, after in changed]
    return Following(
        kind,
        arm,
        _estimate([before.score * after.score for before, after in changed], changed),
        _estimate([float(same_answer(before, after)) for before, after in same], same),
        float(np.mean(chances)) if chances else 0.0,
        len({after.item for _, after in changed}),
        len({after.item for _, after in same}),
    )


def same_answer(before: Record, after: Record) -> bool:
    """Whether two answers are one: a letter, or numbers within a ratio of 1.25; where neither parses, the same text."""
    one, other = before.parsed, after.parsed
    if isinstance(one, float) and isinstance(other, float):
        return one == other or bool(ratio_accuracy(np.array(one), np.array(other)))
    return one == other if one is not None or other is not None else before.prediction == after.prediction


def _estimate(values: Sequence[float], pairs: Sequence[tuple[Record, Record]]) -> Estimate | None:
    return ACCURACY.estimate_values(values, [after for _, after in pairs]) if values else None
