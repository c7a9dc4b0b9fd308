"""Memory for large tensors that are filled from files: page faults and type conversion dominate reading otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

BLOCK = (1 << 15) - 1  # values per conversion: they fit the cache, and torch stays in one thread


def empty_hugepage(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Allocate an uninitialised tensor on the CPU, in huge pages where it is large.

    numpy asks Linux for huge pages for large arrays, which torch does not: the first touch of a 4 kB page costs as much
    as filling it.
    """
    memory = np.empty(prod(shape) * dtype.itemsize, np.uint8)
    return torch.from_numpy(memory).view(dtype).view(*shape)


def cast_to(values: Tensor, dtype: torch.dtype, scale: Tensor | None = None) -> Tensor:
    """Convert a CPU tensor to a wider type block by block, and multiply it by a scale along the last axis."""
    if values.dtype == dtype and scale is None:
        return values
    target = empty_hugepage(values.shape, dtype)
    cast_into(target, values, scale)
    return target


def cast_into(target: Tensor, source: Tensor, scale: Tensor | None = None) -> None:
    """Convert `source` into the memory of `target` (see `cast_to`)."""
    length = max(1, BLOCK // source.shape[-1])
    for wide, narrow in zip(*(x.flatten(0, -2).split(length) for x in (target, source)), strict=True):
        wide.copy_(narrow)
        if scale is not None:
            wide.mul_(scale)


def read_into(path: str | Path, start: int, target: Tensor) -> None:
    """Fill a CPU tensor with the bytes of a file from `start` on, without a copy in between.

    Raises:
        ValueError: If the file ends too early.
    """
    memory = target.view(torch.uint8).flatten().numpy().data
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        if file.readinto(memory) != len(memory):
            raise ValueError(f"{path} ends before byte {start + len(memory)}: it is damaged, make it again")
