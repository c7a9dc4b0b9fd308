"""Counting the operations and the memory of a forward on the meta device, which computes nothing."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


class LiveMemory(TorchDispatchMode):
    """The bytes of all tensors that operations made and that are still referred to, and their peak by stage.

    Not counted: what exists before, such as weights; the workspace of a kernel; what an allocator keeps for later.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live, self.stage = 0, ""
        self.peak: dict[str, int] = {}
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, and add what it allocated."""
        result = operation(*args, **(kwargs or {}))
        given = {storage_of(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and (key := storage_of(leaf)) not in given | self._known:
                self._add(key, leaf.untyped_storage())
        self.peak[self.stage] = max(self.peak.get(self.stage, 0), self.live)
        return result

    def _add(self, key: int, storage: Any) -> None:
        self._known.add(key)
        self.live += storage.nbytes()
        weakref.finalize(storage, self._drop, key, storage.nbytes())

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size


class FusedAttention(TorchFunctionMode):
    """Attention as fused kernels do it: 4 operations for each query, key and channel, and only its result in memory.

    On the meta device torch would take the plain implementation, whose table of all queries and keys no card holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Count attention; answer what depends on values as the published prompts do."""
        if function is scaled_dot_product_attention:
            query, key, value = (*args, *((kwargs or {}).get(name) for name in ("query", "key", "value")))[:3]
            *batch, queries, channels = query.shape
            self.operations += 2 * torch.Size(batch).numel() * queries * key.shape[-2] * (channels + value.shape[-1])
            return query.new_empty(*batch, queries, value.shape[-1])
        if function is Tensor.repeat_interleave and isinstance(args[1], Tensor):
            return args[0]  # heads of keys, of which there are as many as of queries
        if function is Tensor.__bool__ and args[0].is_meta:
            return True  # whether there is no image: there is none
        result = function(*args, **(kwargs or {})) if not chosen_by_mask(function, args) else args[0]
        if function is Tensor.__invert__ and args[0].is_meta:
            result.leaves_nothing = True
        return result[:0] if chosen_by_mask(function, args) and hasattr(args[1], "leaves_nothing") else result


def chosen_by_mask(function: Any, args: tuple[Any, ...]) -> bool:
    """Whether an operation picks the tokens of a mask: all of them, and none of its inverse (their sum is known)."""
    return (
        function is Tensor.__getitem__
        and isinstance(args[1], Tensor)
        and args[1].is_meta
        and args[1].dtype is torch.bool
    )


class Meter:
    """The floating point operations (a multiplication with its addition counts 2) and the memory of what runs within.

    Operations are those of matrix products, convolutions and attention; all others are less than a hundredth.
    """

    def __init__(self) -> None:
        self.memory, self._attention, self._others = LiveMemory(), FusedAttention(), FlopCounterMode(display=False)
        self.by_stage: dict[str, int] = {}  # operations of the stages that were named

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what runs in a `with` block."""
        with torch.no_grad(), self._others, self.memory, self._attention:
            yield

    @property
    def operations(self) -> int:
        """All floating point operations."""
        return self._attention.operations + int(self._others.get_total_flops())

    def staged(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Name the stage of memory while a function runs."""

        def run(*args: Any, **kwargs: Any) -> Any:
            before, self.memory.stage, counted = self.memory.stage, stage, self.operations
            try:
                return function(*args, **kwargs)
            finally:
                self.memory.stage = before
                self.by_stage[stage] = self.by_stage.get(stage, 0) + self.operations - counted

        return run


def storage_of(tensor: Tensor) -> int:
    """Identify the memory of a tensor."""
    return int(tensor.untyped_storage()._cdata)
