"""`region4d bench`: score a model on a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from omegaconf import DictConfig, OmegaConf

from benchmarks.records.manifest import MANIFEST, Manifest, collect_manifest, provenance, read_manifest
from benchmarks.records.parts import Parts, Shard
from benchmarks.records.record import RECORDS
from benchmarks.region_qa.tasks.task import Task
from models.answerers.names import check_way, weights_of
from region4d.benchmarking.answering import answer_alone
from region4d.benchmarking.processes import answer_together
from region4d.benchmarking.tables import print_scores
from region4d.configuration.compose import build, compose_config
from region4d.terminal import CONSOLE
from region4d.workers import count_workers
from scenes.storage.destinations import check_folder
from scenes.storage.locks import sole_writer

UNRECORDED = ("workers", "shard")  # settings that change no answer


def bench(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Score a model on a benchmark.

    Writes every answer to `output` (records.jsonl and manifest.json), and prints a table by category. The same command
    continues after a stop. workers=N answers in N processes, workers=auto in one per GPU; shard.index=I shard.count=N
    answers every N-th batch, so that the jobs of a cluster share a folder, and the last one merges.

    Example: region4d bench model=sr3d_tiny_3d task=worlds_static
    """
    # `model=FOLDER` would choose an option of the config group `model`
    words = [
        word.replace("model=", "model.folder=", 1) if word.startswith("model=") else word for word in overrides or []
    ]
    run(compose_config("bench", words), words)


def run(config: DictConfig, overrides: Sequence[str]) -> None:
    """Answer the questions of a task, write the answers, and print their scores."""
    if OmegaConf.is_missing(config.model, "folder"):
        raise ValueError("bench needs a checkpoint folder, e.g. `region4d bench model=sr3d_tiny_3d`")
    shard, output = Shard(**config.shard), Path(config.output)
    workers = count_workers(config.workers, config.model.device is None)
    if workers > 1 and shard.count > 1:
        raise ValueError(
            f"workers={workers} with shard.count={shard.count}: give workers=N for N processes of this machine, or "
            "shard.index and shard.count for one process of several"
        )
    if config.pointing is not None:
        check_way(config.model.folder, config.pointing)
    check_folder(output)
    task: Task = build(config.task)
    now = started(config)
    with sole_writer(output) if shard.count == 1 else nullcontext():
        if not answer_all(config, task, now, workers):
            CONSOLE.print(f"shard {shard.index} of {shard.count} is answered; the last one merges all of them")
            return
    print_scores(task, output, config.limit)
    CONSOLE.print(f"every answer: {output / RECORDS}")


def answer_all(config: DictConfig, task: Task, now: Manifest, workers: int) -> bool:
    """Answer what is missing, and merge; return whether all shards are answered."""
    shard, output = Shard(**config.shard), Path(config.output)
    if shard.count == 1 or not is_finished(output, now):
        parts = Parts(output)
        first = parts.begin(now)
        try:
            batches = answer_together(config, workers) if workers > 1 else answer_alone(config, task, shard)
            if batches == 0:
                raise ValueError(f"{task.name} has no items (limit={config.limit}): ask for more")
        finally:
            if shard.count == 1:  # a wrong setting leaves nothing behind
                parts.leave_nothing()
        made = provenance([first, collect_manifest({})])
        return parts.merge(batches, replace(made, config=now.config))
    return True


def started(config: DictConfig) -> Manifest:
    """Collect the provenance of a run of this configuration."""
    settings: Any = OmegaConf.to_container(config, resolve=True)
    recorded = {key: value for key, value in settings.items() if key not in UNRECORDED}
    return collect_manifest(recorded, weights_of(config.model.folder))


def is_finished(output: Path, now: Manifest) -> bool:
    """Whether a folder holds all answers of this configuration and checkpoint."""
    if not (output / MANIFEST).is_file():
        return False
    made = read_manifest(output)
    return (made.config, made.checkpoint) == (now.config, now.checkpoint)
