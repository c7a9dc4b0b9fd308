"""`region4d bench`: score a model on a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from omegaconf import DictConfig, OmegaConf
from rich.progress import track
from rich.table import Table

from benchmarks.comparison.cell import cell
from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import Record, write_records
from benchmarks.region_qa.scores import score_rows
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.task import Task
from models.sr3d.answering import Answerer, Query
from region4d.config import build, compose_config
from region4d.terminal import CONSOLE


def bench(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Score a model on a benchmark.

    Writes every answer to `output` (records.jsonl and manifest.json), and prints a table by category.

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
    answerer = Answerer.from_folder(**config.model)
    if config.follow is not None:
        answerer.processor.follow = config.follow
    task: Task = build(config.task)
    items = list(task.items())[: config.limit]
    queries = [Query(item.clip, item.regions, item.question.text) for item in items]
    answers = answerer.answer(queries, config.batch_size, config.max_new_tokens)
    predictions = list(track(answers, f"answering {task.name}", total=len(queries)))
    records = score_items(task.name, items, predictions, config.label or Path(config.model.folder).name, config.seed)
    settings = OmegaConf.to_container(config, resolve=True)
    write_records(Path(config.output), records, collect_manifest(settings, Path(config.model.folder)))  # type: ignore[arg-type]
    CONSOLE.print(score_table(records))
    CONSOLE.print(f"every answer: {Path(config.output) / 'records.jsonl'}")


def score_table(records: Sequence[Record]) -> Table:
    """Tabulate accuracy by category."""
    table = Table("category", "items", "constant", "score [95 %]", "unparsed")
    for row in score_rows(records):
        table.add_row(row.category, str(row.items), f"{row.constant:.3f}", cell(row.scores[0]), f"{row.unparsed:.1%}")
    return table
