"""From what a detector found to one thing a phrase, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from jaxtyping import UInt8
from torch import Tensor

from benchmarks.regionize.item import Box, Candidate, Named, Phrase
from models.detectors import Detector

ALIKE = 0.1  # scores that differ by less do not decide between two things
APART = 0.5  # IoU below which two boxes are two things
SAME = 0.8  # IoU above which two phrases name one thing
KEPT = 10  # candidates of a phrase that an item keeps


def overlap(one: Box, other: Box) -> float:
    """Compute the IoU of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def find_named(video: UInt8[Tensor, "time 3 height width"], phrase: Phrase, detector: Detector) -> Named:
    """Find what a phrase names, in the first frame in which the detector finds anything."""
    for frame in range(len(video)):
        found = detector(video[frame], phrase.words)
        if found:
            candidates = tuple(Candidate(frame, each.box, each.score) for each in found[:KEPT])
            return choose(Named(phrase, candidates))
    return Named(phrase, dropped="not found")


def choose(named: Named) -> Named:
    """Choose the candidate with the highest score, unless another thing has nearly the same."""
    best, *others = named.candidates
    alike = [c for c in others if best.score - c.score < ALIKE and overlap(best.box, c.box) < APART]
    if alike:
        return replace(named, dropped=f"ambiguous: {1 + len(alike)} things alike")
    return replace(named, chosen=0)


def drop_shared(named: Sequence[Named]) -> list[Named]:
    """Drop a phrase that names the same thing as another one, which has the higher score or comes first."""
    kept = list(named)
    for i, j in combinations(range(len(kept)), 2):
        one, other = kept[i], kept[j]
        if one.chosen is None or other.chosen is None or one.dropped or other.dropped:
            continue
        first, second = one.candidates[one.chosen], other.candidates[other.chosen]
        if first.frame == second.frame and overlap(first.box, second.box) > SAME:
            lost, winner = (j, one) if first.score >= second.score else (i, other)
            kept[lost] = replace(kept[lost], dropped=f"same thing: '{winner.phrase.words}'")
    return kept
