"""Answering a task in several processes of this machine, one shard each."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from benchmarks.records.parts import Shard
from region4d.benchmarking.answering import answer, progress_of
from region4d.configuration.compose import build
from region4d.workers import Tell, work_together

Share = tuple[dict[str, Any], Shard]  # the configuration


def answer_together(config: DictConfig, workers: int) -> int:
    """Answer a task in `workers` processes, which share out the cores and the GPUs; return the number of all batches.

    Raises as `work_together`.
    """
    settings: Any = OmegaConf.to_container(config, resolve=True)
    shares: list[Share] = [(settings, Shard(index, workers)) for index in range(workers)]
    with progress_of(config.task.name, config.limit) as advance:
        counts = work_together(
            answer_share, shares, lambda _, items: advance(items), any_gpu=config.model.device is None
        )
    return counts[0]


def answer_share(share: Share, tell: Tell) -> int:
    """Answer one shard; tell how many items each batch had, and return the number of all batches."""
    settings, shard = share
    config = OmegaConf.create(settings)
    return answer(config, build(config.task), shard, tell)
