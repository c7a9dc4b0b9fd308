"""ROUGE-L (Lin 2004): the longest common subsequence of a text and its references."""

from __future__ import annotations

from collections.abc import Sequence

BETA = 1.2  # weight of recall, as COCO's captions are scored


def rouge_l(text: str, references: Sequence[str]) -> float:
    """Compute the F measure of the largest precision and the largest recall over all references.

    Words are what single blanks separate, so that an empty text is one empty word, as in the published code.
    """
    said = text.split(" ")
    common = [(longest_common(said, reference.split(" ")), len(reference.split(" "))) for reference in references]
    precision = max(length / len(said) for length, _ in common)
    recall = max(length / words for length, words in common)
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Compute the length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for k, partner in enumerate(other, 1):
            above = row[k]
            row[k] = diagonal + 1 if word == partner else max(above, row[k - 1])
            diagonal = above
    return row[-1]
