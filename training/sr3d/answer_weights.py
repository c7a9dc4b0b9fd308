"""Weights of answer tokens, so that a letter counts as much as a number of many tokens."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from models.sr3d.model import IGNORED


def weigh_answers(labels: Int64[Tensor, "batch token"]) -> Float[Tensor, "batch token"]:
    """Weigh the tokens of every answer by one over their number, times a factor that makes their mean 1.

    An answer is a run of supervised tokens, at whose beginning a question ends.
    """
    supervised = (labels != IGNORED).flatten()
    begins = supervised.clone()
    begins[1:] &= ~supervised[:-1]
    answer = begins.cumsum(0)[supervised] - 1
    lengths = torch.bincount(answer)
    weights = torch.zeros(supervised.shape, device=labels.device)
    weights[supervised] = len(answer) / max(1, len(lengths)) / lengths[answer]
    return weights.view_as(labels)
