"""A network that takes its time, so that an extraction can be disturbed in its middle."""

import time

import torch
from torch import Tensor, nn


class Slow(nn.Module):
    """Sleeps a quarter of a second."""

    def forward(self, pixels: Tensor) -> Tensor:
        time.sleep(0.25)
        return pixels


def build() -> nn.Module:
    """Build it, always the same."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 8, 8), Slow())
