"""Processes that work beside a test, forked from it: they have imported everything already."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from typing import Any

import pytest
import torch
from lightning.fabric.plugins.environments.lightning import find_free_network_port
from torch.multiprocessing import start_processes

CONTEXT = get_context("fork")
SECONDS = 120  # after which two processes wait for each other in vain


def process(target: Callable[..., None], *arguments: Any) -> ForkProcess:
    """Make a process. It computes on one thread, because the threads of OpenMP do not survive a fork."""
    return CONTEXT.Process(target=_on_one_thread, args=(target, *arguments))


def _on_one_thread(target: Callable[..., None], *arguments: Any) -> None:
    torch.set_num_threads(1)
    target(*arguments)


def in_two_processes(target: Callable[..., None], *arguments: Any) -> None:
    """Call a function in each of two processes of one training; an error of one of them is raised here."""
    training = start_processes(
        _of_training, (find_free_network_port(), target, arguments), nprocs=2, join=False, start_method="fork"
    )
    end = time.monotonic() + SECONDS
    while not training.join(timeout=1):  # False while one of them works
        if time.monotonic() > end:
            for worker in training.processes:
                worker.kill()
            pytest.fail(f"two processes did not end within {SECONDS} s")


def _of_training(rank: int, port: int, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    variables = {"LOCAL_RANK": rank, "NODE_RANK": 0, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in variables.items()})  # as Lightning's launcher
    _on_one_thread(target, *arguments)
