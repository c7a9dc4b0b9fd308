"""Scores of discrete answers: 1 if right, 0 if wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def accuracy(answers: Sequence[str | None], truths: Sequence[str]) -> Float[np.ndarray, "item"]:
    """Score parsed letters: 1 if the letter is the true one, else 0; an unparsed answer (None) scores 0.

    Raises:
        ValueError: the two sequences differ in length.
    """
    check_pairs(answers, truths)
    return np.array([float(a == t) for a, t in zip(answers, truths, strict=True)])


def exact_match(answers: Sequence[str], references: Sequence[Sequence[str]]) -> Float[np.ndarray, "item"]:
    """Score raw text: 1 if it equals one of its references character by character, else 0.

    This is ScanQA's EM as Video-3D-LLM computes it (sr3d.md 4.3). LEO's "refined EM" is a different, looser metric.

    Raises:
        ValueError: the two sequences differ in length.
    """
    check_pairs(answers, references)
    return np.array([float(a in r) for a, r in zip(answers, references, strict=True)])


def check_pairs(answers: Sequence[object], truths: Sequence[object]) -> None:
    """Raise ValueError if answers and truths differ in number."""
    if len(answers) != len(truths):
        raise ValueError(f"every answer needs its truth: got {len(answers)} answers and {len(truths)} truths")
