"""The tables that `region4d bench` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.table import Table

from benchmarks.comparison.cell import cell, number_cell
from benchmarks.records.record import Record, scan_records
from benchmarks.region_qa.scores import score_rows
from benchmarks.region_qa.task_scores import (
    ALL,
    SCORE,
    Beside,
    asked_protocol,
    beside_published,
    further_metrics,
    means,
    of_category,
)
from benchmarks.region_qa.tasks.protocol import OWN
from benchmarks.region_qa.tasks.task import Task
from region4d.terminal import CONSOLE


def print_scores(task: Task, output: Path, limit: int | None) -> None:
    """Print the scores in a folder of records, and published ones beside them."""
    # tables need no texts, which are most of a record
    records = [replace(record, question="", prediction="", reason="") for record in scan_records(output)]
    CONSOLE.print(score_table(task, records))
    protocol = asked_protocol(task, limit)
    if task.protocol != OWN:
        CONSOLE.print("protocol: " + ", ".join(f"{k} {v or 'none'}" for k, v in asdict(protocol).items()))
    if beside := list(beside_published(task, records, protocol)):
        CONSOLE.print(published_table(beside))


def score_table(task: Task, records: Sequence[Record]) -> Table:
    """Tabulate the scores by category, with every further metric, and the averages of the task."""
    further = further_metrics(records)
    table = Table("category", "items", "constant", "score [95 %]", *further, "unparsed")
    rows = score_rows(records)
    for row in rows:
        others = [cell(of_category(records, row.category, name)) for name in further]
        scores = [str(row.items), number_cell(row.constant), cell(row.scores[0]), *others]
        table.add_row(row.category, *scores, f"{row.unparsed:.1%}")
    by_metric = [means(records, name, task.averages) for name in (SCORE, *further)]
    for name in (*((ALL,) if task.protocol != OWN else ()), *task.averages):
        if name in by_metric[0]:
            table.add_row(name, "", "", *(number_cell(found.get(name)) for found in by_metric), "")
    return table


def published_table(beside: Sequence[Beside]) -> Table:
    """Tabulate published scores with ours, and why they do not compare."""
    table = Table("published", "category", "score", "ours", "comparable", "source")
    for each in beside:
        of = each.published
        comparable = f"not comparable because {each.why_not}" if each.why_not else "yes"
        table.add_row(of.model, of.category, number_cell(of.score), number_cell(each.ours), comparable, of.source)
    return table
