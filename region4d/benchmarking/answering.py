"""Answering a task of a composed configuration, with a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.records.parts import Parts, Shard
from benchmarks.region_qa.measure import answer_shard
from benchmarks.region_qa.tasks.task import Task
from models.answerers.contract import Answers
from models.answerers.names import arm_name, open_answers


def open_model(config: DictConfig) -> Answers:
    """Open the model of a benchmark.

    Raises:
        ValueError: `follow` is set for a model that follows no regions; or as `open_answers`.
    """
    answers = open_answers(**config.model)
    if config.follow is not None:
        processor: Any = getattr(answers, "processor", None)
        if not hasattr(processor, "follow"):
            raise ValueError(f"follow={config.follow} is for an SR-3D; '{config.model.folder}' follows no regions")
        processor.follow = config.follow
    return answers


def answer(config: DictConfig, task: Task, shard: Shard, answered: Callable[[int], None]) -> int:
    """Answer the missing batches of one shard; return the number of all batches."""
    return answer_shard(
        task,
        partial(open_model, config),
        Parts(Path(config.output)),
        shard,
        arm=config.label or arm_name(config.model.folder),
        seed=config.seed,
        batch_size=config.batch_size,
        max_new_tokens=config.max_new_tokens,
        limit=config.limit,
        pointing=config.pointing,
        answered=answered,
    )


def answer_alone(config: DictConfig, task: Task, shard: Shard) -> int:
    """Answer one shard in this process; return the number of all batches."""
    with progress_of(task.name, config.limit if shard.count == 1 else None) as advance:
        return answer(config, task, shard, advance)


@contextmanager
def progress_of(task: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many items are answered; gives what counts them."""
    columns = (SpinnerColumn(), TextColumn(f"answering {task}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("", total=total)
        yield lambda count: progress.advance(bar, count)
