"""Answering a task in several processes of this machine, one shard each."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from benchmarks.records.parts import Shard
from region4d.benchmarking.answering import answer, progress_of
from region4d.configuration.compose import build
from region4d.studies.runner import end_with_parent

_shared: tuple[Synchronized[int], Event]  # items that are answered, and whether to stop: of a worker process


def answer_together(config: DictConfig, workers: int) -> int:
    """Answer a task in `workers` processes, which share out the cores and the GPUs; return the number of all batches.

    A process that fails stops the others after their batch, and its error is raised here.
    """
    context = get_context("spawn")
    answered, stop = context.Value("l", 0), context.Event()
    settings: Any = OmegaConf.to_container(config, resolve=True)
    pool = ProcessPoolExecutor(workers, context, initializer=start_process, initargs=(answered, stop, workers))
    try:
        with progress_of(config.task.name, config.limit) as advance:
            shards = [pool.submit(answer_in_process, settings, index, workers) for index in range(workers)]
            shown, waiting = 0, set(shards)
            while waiting:
                ended, waiting = wait(waiting, timeout=0.5)
                for each in ended:
                    each.result()
                now = answered.value
                advance(now - shown)
                shown = now
            return shards[0].result()
    finally:
        stop.set()
        pool.shutdown()


def start_process(answered: Synchronized[int], stop: Event, workers: int) -> None:
    """Share out the cores, and end this process with the one that started it."""
    global _shared
    _shared = answered, stop
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    threading.Thread(target=end_with_parent, daemon=True).start()


def answer_in_process(settings: dict[str, Any], index: int, count: int) -> int:
    """Answer one shard; return the number of all batches."""
    config = OmegaConf.create(settings)
    if config.model.device is None and torch.cuda.is_available():
        config.model.device = f"cuda:{index % torch.cuda.device_count()}"
    answered, stop = _shared

    def advance(items: int) -> None:
        with answered.get_lock():
            answered.value += items
        if stop.is_set():
            raise InterruptedError("another process failed, or the benchmark was stopped")

    return answer(config, build(config.task), Shard(index, count), advance)
