"""Weights that wait on the CPU and visit the device of an extractor only while they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

Offload = Literal["parts", "blocks"]


def check_offload(offload: str | None) -> Offload | None:
    """Check the name of an offload and return it.

    Raises:
        ValueError: it is unknown.
    """
    if offload is not None and offload not in get_args(Offload):
        raise ValueError(f"offload={offload} is unknown: choose one of {', '.join(get_args(Offload))}, or null")
    return cast(Offload | None, offload)


class Visitor:
    """A module whose weights stay on the CPU, in pinned memory for a GPU, and are copied to a device for a forward.

    Nothing is copied back: a forward does not change weights. Features are the same, byte by byte.
    """

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self.device = device
        self._home: list[tuple[Tensor, Tensor]] = []
        for weight in tensors_of(module):
            home = weight.data.cpu()
            weight.data = home.pin_memory() if device.type == "cuda" else home
            self._home.append((weight, weight.data))

    @property
    def weights(self) -> list[Tensor]:
        """All weights and buffers."""
        return [weight for weight, _ in self._home]

    @property
    def away(self) -> bool:
        """Whether the weights are on the device."""
        return any(weight.data_ptr() != home.data_ptr() for weight, home in self._home)

    def leave(self) -> None:
        """Copy the weights to the device."""
        for weight, home in self._home:
            weight.data = home.to(self.device, non_blocking=True, copy=True)

    def come_back(self) -> None:
        """Free the copies."""
        for weight, home in self._home:
            weight.data = home

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Have the weights on the device within a `with` block."""
        self.leave()
        try:
            yield
        finally:
            self.come_back()


def stream(blocks: Sequence[nn.Module], device: torch.device) -> list[Visitor]:
    """Let each block visit the device for its own forward.

    This must come before other forward hooks: the hook that reads a block may end the forward.
    """
    visitors = []
    for block in blocks:
        visitor = Visitor(block, device)
        block.register_forward_pre_hook(lambda *_, visitor=visitor: visitor.leave())
        block.register_forward_hook(lambda *_, visitor=visitor: visitor.come_back())
        visitors.append(visitor)
    return visitors


def bring_rest(module: nn.Module, visitors: Sequence[Visitor], device: torch.device) -> None:
    """Bring the weights of a module that do not wait on the CPU to a device."""
    waiting = {id(weight) for visitor in visitors for weight in visitor.weights}
    for weight in tensors_of(module):
        if id(weight) not in waiting:
            weight.data = weight.data.to(device)


def tensors_of(module: nn.Module) -> list[Tensor]:
    """List the weights and the buffers of a module."""
    return [*module.parameters(), *module.buffers()]
