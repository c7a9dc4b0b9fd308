"""Optimizers with their learning-rate schedule, in the form that Lightning's `configure_optimizers` returns.

`optimizer=adamw` and `optimizer=muon` choose one (configs/optimizer).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import timm.optim.muon
import torch
from lightning import Trainer
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]]


def adamw(
    parameters: Parameters,
    trainer: Trainer,
    *,
    learning_rate: float,
    weight_decay: float,
    warmup_fraction: float,
    betas: tuple[float, float] = (0.9, 0.98),
    final_rate: float = 0.0,
) -> dict[str, Any]:
    """Build AdamW with linear warm-up and cosine decay to `final_rate` over the planned steps."""
    # Lightning cannot clip the gradients of a fused optimizer under mixed precision
    fused = not trainer.precision.endswith("mixed")
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, betas=betas, fused=fused)
    return _with_schedule(optimizer, trainer, warmup_fraction, final_rate / learning_rate)


def muon(
    parameters: Parameters,
    trainer: Trainer,
    *,
    learning_rate: float,
    weight_decay: float,
    warmup_fraction: float,
    betas: tuple[float, float] = (0.9, 0.98),
    final_rate: float = 0.0,
) -> dict[str, Any]:
    """Build Muon for matrices and kernels, and NAdamW at a quarter of the learning rate for all other parameters.

    The schedule is that of `adamw`. With Muon, small networks trained from scratch learn to see motion in about half
    the steps of AdamW. Groups with `use_fallback` (embeddings) are updated by NAdamW.
    Source: Muon (K. Jordan and others, 2024), scaled to the size of AdamW's updates (arXiv 2502.16982); timm's class.
    """
    optimizer = Muon(
        parameters,
        lr=learning_rate,
        weight_decay=weight_decay,
        nesterov=True,
        betas=betas,
        fallback_lr_scale=0.25,
    )
    return _with_schedule(optimizer, trainer, warmup_fraction, final_rate / learning_rate)


class Muon(timm.optim.muon.Muon):  # type: ignore[misc]
    """timm's Muon, whose Newton-Schulz iteration is in float32 on a CPU.

    timm iterates in bfloat16, for which most CPUs have no units: there an update takes over ten times as long. As timm
    has no option for it, the iteration is replaced for the time of a step.
    """

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters, and return what the closure returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        library = timm.optim.muon
        iteration = library.zeropower_via_newtonschulz
        library.zeropower_via_newtonschulz = partial(_in_float32_on_cpu, iteration)
        try:
            super().step()
        finally:
            library.zeropower_via_newtonschulz = iteration
        return loss


def _in_float32_on_cpu(iteration: Callable[..., Tensor], gradient: Tensor, *arguments: Any, **options: Any) -> Tensor:
    if gradient.device.type == "cpu":
        options["dtype"] = torch.float32
    return iteration(gradient, *arguments, **options)


def cosine_schedule(steps: int, warmup_fraction: float, final: float = 0.0) -> Callable[[int], float]:
    """Return the learning-rate factor as a function of the step: linear warm-up, then half a cosine to `final`."""
    warmup = max(1, round(warmup_fraction * steps))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))
        return final + (1 - final) * cosine

    return factor


def _with_schedule(optimizer: Optimizer, trainer: Trainer, warmup_fraction: float, final: float) -> dict[str, Any]:
    steps = int(trainer.estimated_stepping_batches)
    schedule = LambdaLR(optimizer, cosine_schedule(steps, warmup_fraction, final))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
