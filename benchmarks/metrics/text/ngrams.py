"""Runs of words."""

from __future__ import annotations

from collections import Counter

LONGEST = 4
Ngrams = Counter[tuple[str, ...]]


def ngrams(text: str, longest: int = LONGEST) -> Ngrams:
    """Count the runs of 1 to `longest` words of a text."""
    words = text.split()
    return Counter(
        tuple(words[start : start + n]) for n in range(1, longest + 1) for start in range(len(words) - n + 1)
    )
