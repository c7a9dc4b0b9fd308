"""CIDEr-D (Vedantam et al. 2015): likeness of runs of words, which weigh more where few references have them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.metrics.text.ngrams import LONGEST, Ngrams, ngrams

SIGMA = 6.0  # width, in words, of the penalty for another length


@dataclass(frozen=True)
class _Weighted:
    weights: Sequence[dict[tuple[str, ...], float]]  # by length of the run
    norms: Sequence[float]
    length: int


def cider(texts: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Compute CIDEr-D of every item, from 0 to 10; the score of the corpus is the mean.

    A run of words weighs its count times log(items / items whose references have it): the score of an item depends on
    the other items of the corpus.

    Raises:
        ValueError: texts and references differ in number.
    """
    if len(texts) != len(references):
        raise ValueError(f"every text needs its references: got {len(texts)} texts and {len(references)}")
    counted = [[ngrams(reference) for reference in of_item] for of_item in references]
    seen: Counter[tuple[str, ...]] = Counter()
    for of_item in counted:
        seen.update({run for reference in of_item for run in reference})
    weigh = _Weighing(seen, math.log(len(texts)) if texts else 0.0)
    scores = []
    for text, of_item in zip(texts, counted, strict=True):
        said = weigh(ngrams(text))
        likenesses = [_likeness(said, weigh(reference)) for reference in of_item]
        scores.append(10.0 * sum(likenesses) / len(likenesses))
    return scores


@dataclass(frozen=True)
class _Weighing:
    seen: Counter[tuple[str, ...]]
    log_items: float

    def __call__(self, runs: Ngrams) -> _Weighted:
        weights: list[dict[tuple[str, ...], float]] = [defaultdict(float) for _ in range(LONGEST)]
        for run, count in runs.items():
            weights[len(run) - 1][run] = count * (self.log_items - math.log(max(1, self.seen[run])))
        norms = [math.sqrt(sum(weight**2 for weight in of_length.values())) for of_length in weights]
        return _Weighted(weights, norms, sum(count for run, count in runs.items() if len(run) == 2))


def _likeness(said: _Weighted, reference: _Weighted) -> float:
    """Average the clipped cosines over the lengths of runs; lengths are compared in runs of two words."""
    total = 0.0
    for n in range(LONGEST):
        theirs = reference.weights[n]
        product = sum(
            min(weight, theirs.get(run, 0.0)) * theirs.get(run, 0.0) for run, weight in said.weights[n].items()
        )
        norm = said.norms[n] * reference.norms[n]
        total += product / norm if norm else product
    return total / LONGEST * math.exp(-((said.length - reference.length) ** 2) / (2 * SIGMA**2))
