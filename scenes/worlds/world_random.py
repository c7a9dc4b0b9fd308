"""Random draws for a world: Python numbers from one seeded torch generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import torch

Item = TypeVar("Item")
BLOCK = 512  # numbers drawn at once: one call of torch costs as much as a hundred numbers


class WorldRandom:
    """Draws scalars from a CPU `torch.Generator`: the same seed gives the same draws on every machine."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._block: list[float] = []

    def unit(self) -> float:
        """Draw uniformly from [0, 1)."""
        if not self._block:
            self._block = torch.rand(BLOCK, generator=self._generator, dtype=torch.float64).tolist()
        return self._block.pop()

    def uniform(self, low: float, high: float) -> float:
        """Draw uniformly from [low, high)."""
        return low + (high - low) * self.unit()

    def log_uniform(self, low: float, high: float) -> float:
        """Draw with a uniform logarithm from [low, high)."""
        return low * math.exp(self.unit() * math.log(high / low))

    def integer(self, low: int, high: int) -> int:
        """Draw an integer from low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def choice(self, items: Sequence[Item]) -> Item:
        """Draw one item."""
        return items[int(self.unit() * len(items))]

    def chance(self, probability: float) -> bool:
        """Draw True with the given probability."""
        return self.unit() < probability

    def sign(self) -> float:
        """Draw -1 or 1."""
        return -1.0 if self.unit() < 0.5 else 1.0
