"""BLEU of a corpus (Papineni et al. 2002), from counts that add up over items."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.metrics.text.ngrams import LONGEST, ngrams

SMALL, TINY = 1e-9, 1e-15  # keep divisions defined where nothing was said or nothing matches


def bleu_counts(text: str, references: Sequence[str]) -> Float[Tensor, "10"]:
    """Count what BLEU needs of a text: matches and runs of 1 to 4 words, its length, that of the closest reference.

    A run matches as often as the reference that has it most often. Of two references that are equally close in length,
    the shorter one counts.

    Raises:
        ValueError: there is no reference.
    """
    if not references:
        raise ValueError("BLEU needs a reference")
    said, allowed = ngrams(text), ngrams("")
    for reference in references:
        allowed |= ngrams(reference)
    matches = said & allowed
    length = len(text.split())
    closest = min((abs(len(one.split()) - length), len(one.split())) for one in references)[1]
    sizes = range(1, LONGEST + 1)
    found = [sum(count for run, count in matches.items() if len(run) == n) for n in sizes]
    return torch.tensor([*found, *(max(0, length - n + 1) for n in sizes), length, closest], dtype=torch.float64)


def bleu(counts: Float[Tensor, "*corpus 10"]) -> Float[Tensor, "*corpus 4"]:
    """Compute BLEU-1 to BLEU-4 from the summed counts of a corpus (`bleu_counts`).

    BLEU-n is the geometric mean of the shares of matches of 1 to n words, times exp(1 - r / c) where the texts, of c
    words, are shorter than their references, of r.
    """
    matches, runs = counts[..., :LONGEST], counts[..., LONGEST : 2 * LONGEST]
    length, reference = counts[..., -2], counts[..., -1]
    precisions = (matches + TINY) / (runs + SMALL)
    means = precisions.log().cumsum(-1) / torch.arange(1, LONGEST + 1, dtype=counts.dtype)
    ratio = (length + TINY) / (reference + SMALL)
    brevity = torch.where(ratio < 1, torch.exp(1 - 1 / ratio), torch.ones_like(ratio))
    return means.exp() * brevity[..., None]
