"""Memory for large tensors that are filled at once: what a reader of files spends most of its time on otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

BLOCK = (1 << 15) - 1  # values: few enough for the cache, and for torch not to wait for a second thread


def roomy(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Allocate a tensor on the CPU without filling it.

    The memory is numpy's, which asks Linux for huge pages where an array is large: a page of 4 kB that is touched for
    the first time costs as much as filling it, and torch has nothing else.
    """
    memory = np.empty(prod(shape) * dtype.itemsize, np.uint8)
    return torch.from_numpy(memory).view(dtype).view(*shape)


def widened(values: Tensor, dtype: torch.dtype, scale: Tensor | None = None) -> Tensor:
    """Convert a tensor on the CPU to a wider type, and multiply it by a scale of the last axis, block by block."""
    if values.dtype == dtype and scale is None:
        return values
    found = roomy(values.shape, dtype)
    widen_into(found, values, scale)
    return found


def widen_into(wide: Tensor, narrow: Tensor, scale: Tensor | None = None) -> None:
    """Fill a tensor with the values of another one (see `widened`)."""
    length = max(1, BLOCK // narrow.shape[-1])
    for here, there in zip(*(x.flatten(0, -2).split(length) for x in (wide, narrow)), strict=True):
        here.copy_(there)
        if scale is not None:
            here.mul_(scale)


def read_into(path: str | Path, start: int, target: Tensor) -> None:
    """Fill a tensor on the CPU from a place of a file; nothing is copied between.

    Raises:
        ValueError: the file ends before.
    """
    memory = target.view(torch.uint8).flatten().numpy().data
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        if file.readinto(memory) != len(memory):
            raise ValueError(f"{path} ends before byte {start + len(memory)}: it is damaged, make it again")
