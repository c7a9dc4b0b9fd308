"""Byte ranges of the tensors in a safetensors file, so that a reader of a remote file fetches only what it needs.

The format: 8 bytes with the length of a JSON header, the header, then the data of all tensors. The safetensors package
reads local files alone.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from fsspec import AbstractFileSystem
from torch import Tensor

DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "I8": torch.int8}
LENGTH_BYTES = 8  # the length of the header, little-endian


@dataclass(frozen=True)
class TensorRange:
    """Type and shape of a tensor, and its first and last (excluded) byte in the file."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def bytes(self) -> int:
        """Number of bytes that the shape needs."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class SafetensorsHeader:
    """The tensors of a file by name, and its metadata."""

    tensors: Mapping[str, TensorRange]
    metadata: Mapping[str, str]


def read_header(files: AbstractFileSystem, path: str) -> SafetensorsHeader:
    """Read the header of a safetensors file, and no byte of its data.

    Raises:
        ValueError: If the header is malformed, or the file has another size than its header says.
    """
    try:
        (length,) = struct.unpack("<Q", files.cat_file(path, 0, LENGTH_BYTES))
        data_start, size = LENGTH_BYTES + length, files.size(path)
        if data_start > size:
            raise ValueError(f"{length} bytes long, in a file of {size}")
        entries: dict[str, Any] = json.loads(files.cat_file(path, LENGTH_BYTES, data_start))
        metadata = entries.pop("__metadata__", {})
        tensors = {}
        for name, entry in entries.items():
            start, stop = (data_start + offset for offset in entry["data_offsets"])
            tensors[name] = TensorRange(DTYPES[entry["dtype"]], tuple(entry["shape"]), start, stop)
            if min((*tensors[name].shape, start)) < 0 or stop - start != tensors[name].bytes:
                raise ValueError(f"{name} has {stop - start} bytes and shape {list(tensors[name].shape)}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise ValueError(f"its header is malformed: {error}") from error
    if size != max((tensor.stop for tensor in tensors.values()), default=data_start):
        raise ValueError("its size is not what its header says")
    return SafetensorsHeader(tensors, metadata)


def read_tensor(files: AbstractFileSystem, path: str, tensor: TensorRange) -> Tensor:
    """Read one whole tensor."""
    data = files.cat_file(path, tensor.start, tensor.stop)
    return torch.frombuffer(bytearray(data), dtype=tensor.dtype).view(tensor.shape)


def read_ranges(files: AbstractFileSystem, path: str, starts: Sequence[int], length: int) -> list[bytes]:
    """Fetch ranges of `length` bytes from one file, concurrently where the file system can."""
    stops = [start + length for start in starts]
    parts: list[bytes] = files.cat_ranges([path] * len(starts), list(starts), stops, on_error="raise")
    return parts
