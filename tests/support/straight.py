"""Velocity models that are known exactly."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from models.lifting.networks.conditioning import Condition

SHAPES = {"shape": (5, 8), "rotation": (1, 6), "translation": (1, 3), "scale": (1, 3)}


class Straight:
    """The exact flow to one data point an object: v = (x_1 - x_t) / (1 - t), constant along each path."""

    def __init__(self, data: Mapping[str, Tensor]) -> None:
        self.data = data

    def __call__(self, latents: Mapping[str, Tensor], time: Tensor, step: Tensor, context: Tensor) -> dict[str, Tensor]:
        rest = (1 - time)[:, None, None]
        return {key: (self.data[key] - value) / rest for key, value in latents.items()}


class OfContext:
    """A constant field whose value is the sum of the condition, plus what the step asks for; remembers its calls."""

    def __init__(self, per_step: float = 0.0) -> None:
        self.per_step = per_step
        self.calls: list[tuple[Tensor, Tensor, int]] = []

    def __call__(self, latents: Mapping[str, Tensor], time: Tensor, step: Tensor, context: Tensor) -> dict[str, Tensor]:
        self.calls.append((time, step, len(context)))
        value = context.sum((1, 2)) + self.per_step * step
        return {key: value[:, None, None].expand_as(latent) for key, latent in latents.items()}


def some_latents(seed: int, count: int) -> dict[str, Tensor]:
    """Draw latents."""
    generator = torch.Generator().manual_seed(seed)
    return {key: torch.randn(count, *shape, generator=generator) for key, shape in SHAPES.items()}


def ones(count: int) -> Condition:
    """A condition of two image tokens and one point token, all channels 1: it sums to 6, or 4 without points, or 0."""
    return Condition(torch.ones(count, 3, 2), 1)
