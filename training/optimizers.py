"""What every training here shares: an order of samples that resumes exactly, and a learning rate over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any

import torch
import torch.distributed
from lightning import Trainer
from timm.optim import Muon
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Sampler


class SeededSampler(Sampler[int]):
    """Draw permutations without end, the n-th from (seed, n), and deal them out to the processes of a distributed run.

    N processes with batches of B see, together, what one process sees with batches of N B. A run that is resumed after
    `start` samples (of all processes) sees what it would have seen. Needs `Trainer(use_distributed_sampler=False)`.
    """

    def __init__(self, length: int, seed: int, start: int = 0) -> None:
        self.length, self.seed, self.start = length, seed, start

    def __iter__(self) -> Iterator[int]:
        rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
        return islice(self._stream(), rank, None, process_count())

    def _stream(self) -> Iterator[int]:
        skip = self.start % self.length
        for turn in count(self.start // self.length):
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + turn)
            yield from torch.randperm(self.length, generator=generator).tolist()[skip:]
            skip = 0


def process_count() -> int:
    """Count the processes of a distributed run; 1 outside of one."""
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def samples_seen(trainer: Trainer | None, batch_size: int) -> int:
    """Count the samples that all processes have trained on together; 0 before a training."""
    return 0 if trainer is None else trainer.global_step * global_batch_size(trainer, batch_size)


def global_batch_size(trainer: Trainer, batch_size: int) -> int:
    """Count the samples that all processes train on together in one step of the optimiser."""
    return int(trainer.accumulate_grad_batches * batch_size * process_count())


def cosine_schedule(steps: int, warmup_fraction: float) -> Callable[[int], float]:
    """Give the factor of the learning rate at each step: linear warm-up, then half a cosine to zero."""
    warmup = max(1, round(warmup_fraction * steps))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))

    return factor


def adamw(
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
    trainer: Trainer,
    *,
    learning_rate: float,
    weight_decay: float,
    warmup_fraction: float,
    betas: tuple[float, float] = (0.9, 0.98),
) -> dict[str, Any]:
    """Build AdamW with warm-up, then a cosine over the planned steps, for Lightning's `configure_optimizers`."""
    fused = not trainer.precision.endswith(
        "mixed"
    )  # Lightning does not clip the gradients of a fused one under autocast
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, betas=betas, fused=fused)
    return scheduled(optimizer, trainer, warmup_fraction)


def muon(
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
    trainer: Trainer,
    *,
    learning_rate: float,
    weight_decay: float,
    warmup_fraction: float,
    betas: tuple[float, float] = (0.9, 0.98),
) -> dict[str, Any]:
    """Build Muon for matrices and kernels, NAdamW at a quarter of the rate for the rest; scheduled as `adamw` is.

    Small networks that start from nothing see motion in about half the steps that AdamW takes. Groups with
    `use_fallback` (embeddings) go to NAdamW. Source: Muon (K. Jordan and others, 2024), scaled to the size of AdamW's
    updates (arXiv 2502.16982); timm's class.
    """
    optimizer = Muon(
        parameters,  # type: ignore[arg-type]
        lr=learning_rate,
        weight_decay=weight_decay,
        nesterov=True,
        betas=betas,
        fallback_lr_scale=0.25,
    )
    return scheduled(optimizer, trainer, warmup_fraction)


OPTIMIZERS = {"adamw": adamw, "muon": muon}


def known_optimizer(name: str) -> str:
    """Refuse a name that is not one of `OPTIMIZERS` (ValueError)."""
    if name not in OPTIMIZERS:
        raise ValueError(f"no optimizer {name!r}: choose one of {', '.join(OPTIMIZERS)}")
    return name


def scheduled(optimizer: Optimizer, trainer: Trainer, warmup_fraction: float) -> dict[str, Any]:
    """Add the schedule over the planned steps, as Lightning wants it."""
    schedule = LambdaLR(optimizer, cosine_schedule(int(trainer.estimated_stepping_batches), warmup_fraction))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
