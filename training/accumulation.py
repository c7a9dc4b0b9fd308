"""Batches that state how many answer tokens their optimizer step has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from lightning import Trainer
from torch import Tensor

from models.sr3d.model import IGNORED

STEP_ANSWERS = "step_answers"  # key of a batch

Batches = Iterable[Mapping[str, Any]]


class StepBatches:
    """The batches of a loader, read ahead by optimizer steps of `size` batches.

    Each states under "step_answers" how many answer tokens a batch of its step has on average. A loss that is divided
    by this, averaged over the batches as gradient accumulation does, is the mean over all answer tokens of the step.
    """

    def __init__(self, loader: Batches, size: int) -> None:
        self.loader, self.size = loader, size

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = iter(self.loader)
        while step := list(islice(batches, self.size)):
            answers = torch.stack([count_answers(batch) for batch in step]).float().mean()
            for batch in step:
                yield {**batch, STEP_ANSWERS: answers}


def by_steps(loader: Batches, trainer: Trainer | None) -> Batches:
    """Let batches state the answer tokens of their step where the trainer accumulates gradients."""
    size = 1 if trainer is None else trainer.accumulate_grad_batches
    return loader if size == 1 else StepBatches(loader, size)


def count_answers(batch: Mapping[str, Any]) -> Tensor:
    """Count the answer tokens of a batch."""
    count: Tensor = (batch["labels"] != IGNORED).sum()
    return count
