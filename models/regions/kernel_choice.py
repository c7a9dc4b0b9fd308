"""Which functions of this package a Triton kernel stands in for on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import ParamSpec, TypeVar

from torch import Tensor

# Functions whose kernel was faster than torch and torch.compile in results/speed/kernels.json, which `region4d speed
# kernels` writes on a GPU. None has been measured: until then torch's own operations, which are known to run, are used.
FASTER: frozenset[str] = frozenset()

P = ParamSpec("P")
R = TypeVar("R")


def kernel_on_gpu(reference: Callable[P, R]) -> Callable[P, R]:
    """Let the function of `models.regions.kernels` of the same name stand in for its reference, if that is faster.

    It does so for tensors on a GPU, where triton is installed. The reference stays at `__wrapped__`.
    """

    @wraps(reference)
    def chosen(*args: P.args, **kwargs: P.kwargs) -> R:
        on_gpu = any(isinstance(value, Tensor) and value.is_cuda for value in (*args, *kwargs.values()))
        if on_gpu and reference.__name__ in FASTER and find_spec("triton"):
            kernel: Callable[P, R] = getattr(import_module("models.regions.kernels"), reference.__name__)
            return kernel(*args, **kwargs)
        return reference(*args, **kwargs)

    return chosen
