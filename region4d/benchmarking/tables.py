"""The tables that `region4d bench` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.table import Table

from benchmarks.comparison.cell import cell, number_cell
from benchmarks.records.record import Record, scan_records
from benchmarks.region_qa.analyses.counterfactual_section import counterfactual_tables
from benchmarks.region_qa.corpus_scores.score import CorpusScore
from benchmarks.region_qa.measure import UNSEEN
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
    records = [without_texts(record, keeps_answers=bool(task.corpus_metrics)) for record in scan_records(output)]
    CONSOLE.print(score_table(task, records))
    if unseen := sum(UNSEEN in record.facts for record in records):
        CONSOLE.print(
            f"not asked: {unseen} of {len(records)} items, as no frame shows their region; they score as empty"
        )
    corpus = task.corpus_scores(records)
    if corpus:
        CONSOLE.print(corpus_table(corpus))
    for table in counterfactual_tables(records):
        CONSOLE.print(f"\n{table.markdown()}")
    protocol = asked_protocol(task, limit)
    if task.protocol != OWN:
        CONSOLE.print("protocol: " + ", ".join(f"{k} {v}" for k, v in asdict(protocol).items() if v))
    beside = [each for each in beside_published(task, records, protocol, corpus) if each.ours is not None]
    if beside:
        CONSOLE.print(published_table(beside))
    for name, why_not in reasons(beside).items():
        CONSOLE.print(f"{name}: {f'not comparable because {why_not}' if why_not else 'comparable'}", soft_wrap=True)


def without_texts(record: Record, keeps_answers: bool = False) -> Record:
    """Drop the texts, which are most of a record.

    Of an answer that is not read, tables need to know if it recurs; scores over all answers need them all.
    """
    unread = "" if record.parsed is not None else str(hash(record.prediction))
    return replace(record, question="", prediction=record.prediction if keeps_answers else unread, reason="")


def score_table(task: Task, records: Sequence[Record]) -> Table:
    """Tabulate the scores by category, with every further metric, and the averages of the task."""
    further = further_metrics(records)
    table = Table("category", "items", "constant", "score [95 %]", *further, "unparsed")
    rows = score_rows(records)
    for row in rows:
        others = [cell(of_category(records, row.category, name)) for name in further]
        scores = [str(row.items), number_cell(row.constant), cell(row.scores[0]), *others]
        table.add_row(row.category, *scores, f"{row.unparsed:.1%}")
    by_metric = [means(task, records, name) for name in (SCORE, *further)]
    for name in (*((ALL,) if task.protocol != OWN else ()), *task.pools, *task.averages):
        if name in by_metric[0]:
            table.add_row(name, "", "", *(number_cell(found.get(name)) for found in by_metric), "")
    return table


def corpus_table(scores: Mapping[str, CorpusScore]) -> Table:
    """Tabulate the scores of all answers together, or why they were not computed."""
    table = Table("over all answers", "score [95 %]")
    for name, score in scores.items():
        missing = f"not computed: {score.why_not}" if score.why_not else number_cell(score.value)
        table.add_row(name, cell(score.estimate) or missing)
    return table


def published_table(beside: Sequence[Beside]) -> Table:
    """Tabulate published scores with ours."""
    table = Table("published", "category", "score", "ours")
    for each in beside:
        of = each.published
        table.add_row(source_of(each), of.category, number_cell(of.score), number_cell(each.ours))
    return table


def reasons(beside: Sequence[Beside]) -> dict[str, str]:
    """Say why the scores of each source do not compare with ours; empty where they do."""
    return {source_of(each): each.why_not for each in beside}


def source_of(beside: Beside) -> str:
    """Name a published score by its model and where it stands."""
    return f"{beside.published.model} ({beside.published.source})"
