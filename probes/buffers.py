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
    length = max(1, BLOCK // values.shape[-1])
    for wide, narrow in zip(*(x.flatten(0, -2).split(length) for x in (found, values)), strict=True):
        wide.copy_(narrow)
        if scale is not None:
            wide.mul_(scale)
    return found


def read_into(path: str | Path, starts: Sequence[int], rows: Tensor) -> None:
    """Fill the rows of a tensor from the places of a file where they start; nothing is copied between.

    Raises:
        ValueError: the file ends before.
    """
    with open(path, "rb", buffering=0) as file:
        for start, row in zip(starts, rows, strict=True):
            memory = memoryview(row.view(torch.uint8).numpy()).cast("B")
            file.seek(start)
            if file.readinto(memory) != len(memory):
                raise ValueError(f"{path} ends before byte {start + len(memory)}: it is damaged, make it again")
