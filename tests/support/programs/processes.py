"""Processes that work beside a test, forked from it: they have imported everything already."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from typing import Any

import torch

CONTEXT = get_context("fork")


def process(target: Callable[..., None], *arguments: Any) -> ForkProcess:
    """Make a process. It computes on one thread, because the threads of OpenMP do not survive a fork."""
    return CONTEXT.Process(target=_on_one_thread, args=(target, *arguments))


def _on_one_thread(target: Callable[..., None], *arguments: Any) -> None:
    torch.set_num_threads(1)
    target(*arguments)
