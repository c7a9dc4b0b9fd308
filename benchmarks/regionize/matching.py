"""From what a detector found to one thing a phrase, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from jaxtyping import UInt8
from torch import Tensor

from benchmarks.regionize.item import Candidate, GroundedPhrase, Phrase
from models.detectors import Detector
from models.regions import Box
from scenes.readers.masks.coco import draw_segmentation

ALIKE = 0.1  # scores that differ by less do not decide between two things
APART = 0.5  # IoU below which two boxes are two things
SAME = 0.8  # IoU of masks above which two phrases name one thing
KEPT = 10  # candidates of a phrase that an item keeps


def overlap(one: Box, other: Box) -> float:
    """Compute the IoU of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def find_named(video: UInt8[Tensor, "time 3 height width"], phrase: Phrase, detector: Detector) -> GroundedPhrase:
    """Find what a phrase names, in the first frame in which the best score is about that of the best frame.

    So a thing that comes into view later is not taken for what looks a little like it before.
    """
    found = [detector(frame, phrase.words) for frame in video]
    best = [each[0].score if each else -1.0 for each in found]
    if max(best) < 0:
        return GroundedPhrase(phrase, dropped="not found")
    frame = next(t for t, score in enumerate(best) if score >= 0 and score > max(best) - ALIKE)
    return choose(GroundedPhrase(phrase, tuple(Candidate(frame, each.box, each.score) for each in found[frame][:KEPT])))


def choose(named: GroundedPhrase) -> GroundedPhrase:
    """Choose the candidate with the highest score, unless another thing has nearly the same."""
    best, *others = named.candidates
    alike = [c for c in others if best.score - c.score < ALIKE and overlap(best.box, c.box) < APART]
    if alike:
        return replace(named, dropped=f"ambiguous: {1 + len(alike)} similar objects")
    return replace(named, chosen=0)


def drop_shared(named: Sequence[GroundedPhrase]) -> list[GroundedPhrase]:
    """Drop a phrase whose masks are those of another one, which has the higher score or comes first."""
    kept = list(named)
    for i, j in combinations(range(len(kept)), 2):
        one, other = kept[i], kept[j]
        if not one.dropped and not other.dropped and shared_masks(one, other) > SAME:
            lost, winner = (j, one) if score_of(one) >= score_of(other) else (i, other)
            kept[lost] = replace(kept[lost], dropped=f"same thing: '{winner.phrase.words}'")
    return kept


def score_of(named: GroundedPhrase) -> float:
    """Give the score of what was chosen."""
    return -1.0 if named.chosen is None else named.candidates[named.chosen].score


def shared_masks(one: GroundedPhrase, other: GroundedPhrase) -> float:
    """Compute the IoU of the masks of two phrases, over the frames that mark both; 0 without such."""
    shared = either = 0
    for frame in one.masks.keys() & other.masks.keys():
        first, second = (draw_segmentation(each.masks[frame], *each.masks[frame]["size"]) for each in (one, other))
        shared += int((first & second).sum())
        either += int((first | second).sum())
    return shared / either if either else 0.0
