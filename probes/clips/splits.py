"""Splits of clips: to train probes, to choose among them, and to report them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

HELD_OUT = 0.1  # share of the clips in each of validation and test

# Scenes of DL3DV that the published study drops, by subset and the first 12 digits of their hash.
DL3DV_OUTLIERS = frozenset(
    {
        "3K-6da29bd9d9b5",
        "3K-785fc27e0167",
        "3K-b917b26a4b03",
        "3K-eb42750070f9",
        "4K-023633c21f5b",
        "4K-22657d480677",
        "4K-2cbef5aa4038",
        "4K-5b93293a6d92",
        "4K-5d6481db3d3f",
        "4K-88e8c9b9d503",
        "4K-a8a848e57e3e",
        "4K-cc40802589f9",
        "4K-e9b49b6588ac",
    }
)
SHORT = len("3K-6da29bd9d9b5")


@dataclass(frozen=True)
class Split:
    """Names of clips in three disjoint parts: to train probes, to choose among them, to report them."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]


def split_published(names: Sequence[str], seed: int = 0) -> tuple[list[str], list[str]]:
    """Split clips 90 : 10 into train and val as the published study does, which both chooses and reports on val.

    Sorted names are shuffled by Python's `random` (not a torch generator: the lists would differ from the published
    ones), and the first tenth is val. Names are those of `Co3dSequence` and `Dl3dvScene`, which sort as the published
    pairs do. Source: specs/vidfm3d.md section 3.3.

    Raises:
        ValueError: If a name occurs twice.
    """
    order = sorted(names)
    if twice := [a for a, b in pairwise(order) if a == b]:
        raise ValueError(f"clip {twice[0]} occurs twice: list each clip once")
    random.Random(seed).shuffle(order)
    held_out = max(1, int(len(order) * HELD_OUT))
    return order[held_out:], order[:held_out]


def split_clips(names: Sequence[str], seed: int = 0) -> Split:
    """Split clips about 80 : 10 : 10; test is what the published study calls val, and val is part of its train.

    So probes are chosen on clips that are not reported, and reported on the clips of the published numbers.

    Raises:
        ValueError: If there are fewer than three clips, or a name occurs twice.
    """
    if len(names) < 3:
        raise ValueError(f"train, val and test need a clip each, got {len(names)}")
    rest, test = split_published(names, seed)
    return Split(tuple(rest[len(test) :]), tuple(rest[: len(test)]), tuple(test))


def without_outliers(names: Sequence[str]) -> list[str]:
    """Drop the scenes of DL3DV that the published study drops: 13, all of the subsets 3K and 4K."""
    return [name for name in names if name[:SHORT] not in DL3DV_OUTLIERS]
