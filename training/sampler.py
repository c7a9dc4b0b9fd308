"""Orders of samples: seeded permutations that resume exactly, and a permutation without fixed points."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import torch
import torch.distributed
from jaxtyping import Float
from lightning import Trainer
from torch import Tensor
from torch.utils.data import Sampler


class SeededSampler(Sampler[int]):
    """Yield permutations endlessly, the n-th from (seed, n), and distribute them over the processes of a training.

    N processes with batches of B together see the same samples as one process with batches of N B. A training that is
    resumed after `start` samples (of all processes) continues the same order. Needs
    `Trainer(use_distributed_sampler=False)`.

    With `weights`, an epoch still has `length` samples, and sample i appears in it `length * weights[i] / sum` times,
    rounded up or down at random (systematic sampling): equal weights are a permutation.

    Raises:
        ValueError: there are no samples, or no weight is positive.
    """

    def __init__(self, length: int, seed: int, start: int = 0, weights: Float[Tensor, "sample"] | None = None) -> None:
        if length < 1 or (weights is not None and not bool((weights > 0).any())):
            raise ValueError(f"there is nothing to sample: {length} samples, none of which has a positive weight")
        self.length, self.seed, self.start = length, seed, start
        self.ends = None if weights is None else weights.double().cumsum(0) * (length / weights.double().sum())

    def __iter__(self) -> Iterator[int]:
        rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
        return islice(self._stream(), rank, None, process_count())

    def _stream(self) -> Iterator[int]:
        skip = self.start % self.length
        for epoch in count(self.start // self.length):
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            order = torch.randperm(self.length, generator=generator)
            if self.ends is not None:
                offset = torch.rand((), generator=generator, dtype=torch.float64)
                order = torch.searchsorted(self.ends, order + offset).clamp(max=self.length - 1)
            yield from order.tolist()[skip:]
            skip = 0


def process_count() -> int:
    """Count the processes of a distributed training; 1 outside of one."""
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def samples_seen(trainer: Trainer | None, batch_size: int) -> int:
    """Count the samples that all processes together have trained on; 0 without a trainer."""
    return 0 if trainer is None else trainer.global_step * global_batch_size(trainer, batch_size)


def global_batch_size(trainer: Trainer, batch_size: int) -> int:
    """Count the samples of one optimizer step over all processes."""
    return int(trainer.accumulate_grad_batches * batch_size * process_count())


def one_cycle(length: int, seed: int) -> list[int]:
    """Draw a permutation that is a single cycle, so that no element keeps its place (for permuted-label controls)."""
    cycle = torch.randperm(length, generator=torch.Generator().manual_seed(seed)).tolist()
    order = [0] * length
    for element, successor in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
        order[element] = successor
    return order
