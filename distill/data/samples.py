"""Samples with a teacher's targets, and batches of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset

from distill.teachers.teacher import TargetBatch, Targets
from models.sr3d.inputs.sample import Sample


class TaughtSamples(Dataset[tuple[Sample, Targets]]):
    """Pairs of prepared samples and targets; `order` lists the clip whose targets each sample gets."""

    def __init__(
        self, samples: Dataset[Sample] | Sequence[Sample], targets: Sequence[Targets], order: Sequence[int]
    ) -> None:
        self.samples, self.targets, self.order = samples, targets, order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> tuple[Sample, Targets]:
        return self.samples[index], self.targets[self.order[index]]


class PartlyAnswered(Dataset[Sample]):
    """Samples of which the first `answered` keep their answers; the others keep their questions alone."""

    def __init__(self, samples: Dataset[Sample], answered: int) -> None:
        self.samples, self.answered = samples, answered

    def __len__(self) -> int:
        return len(self.samples)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index]
        return sample if index < self.answered else sample.unanswered()


def collate_taught(
    collate: Callable[[Sequence[Any]], Mapping[str, Any]], batch: Sequence[tuple[Sample, Targets | None]]
) -> dict[str, Any]:
    """Batch the samples, a row each, and stack under `targets` those that have any; None where no sample has."""
    inputs = collate([sample for sample, _ in batch])
    rows = [row for row, (_, targets) in enumerate(batch) if targets is not None]
    if not rows:
        return {**inputs, "targets": None}
    taught = TargetBatch.stack([targets for _, targets in batch if targets is not None])
    taught.rows = None if len(rows) == len(batch) else torch.tensor(rows)
    return {**inputs, "targets": taught}
