"""Sample logs of lmms-eval (`--log_samples`): *_samples_TASK.jsonl, one line an item.

A line has `doc_id`, `target`, `filtered_resps` (and `resps` where they differ), `input`, and what `process_results` of
the task returned, by metric: a number, or the annotations of the item with its scores among them (VSI-Bench). Checked
against lmms-eval 0.7 (commit 75571cf, `loggers/evaluation_tracker.py`); older logs keep the lists around answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.diff.run import Fields, foreign_record, is_empty, number_of
from benchmarks.records.record import Record

ITS_OWN = {"doc_id", "target", "filtered_resps", "resps", "input", "doc_hash", "token_counts", "input_media", "filter"}


def is_sample(line: Mapping[str, Any]) -> bool:
    """Whether a line is a sample of lmms-eval."""
    return "doc_id" in line and ("filtered_resps" in line or "resps" in line)


def sample_records(lines: Iterable[tuple[str, Mapping[str, Any]]], fields: Fields) -> list[Record]:
    """Turn samples into records; each line comes with its place in the file.

    Raises:
        ValueError: a sample has no number or score, or lacks a field that was asked for.
    """
    return [_record(line, where, fields) for where, line in lines]


def _record(line: Mapping[str, Any], where: str, fields: Fields) -> Record:
    if "doc_id" not in line:
        raise ValueError(f"{where} has no doc_id: the file is damaged; write the log again")
    return foreign_record(
        flattened(line),
        where,
        fields,
        fields.metric or _only_number(line),
        str(line["doc_id"]),
        question=_text(line.get("input", "")),
        answer=str(line.get("target", "")),
        prediction=_text(line.get("filtered_resps", line.get("resps", ""))),
    )


def flattened(line: Mapping[str, Any]) -> dict[str, Any]:
    """Put the fields of nested annotations beside those of the sample; the first of a name stays."""
    row = {name: value for name, value in line.items() if not isinstance(value, Mapping)}
    for name, value in line.items():
        if isinstance(value, Mapping) and name not in ITS_OWN:
            row = {**value, **row}
    return row


def _only_number(line: Mapping[str, Any]) -> str | None:
    """Name the metric of a sample that has one number beside what lmms-eval writes itself."""
    numbers = [
        name
        for name, value in line.items()
        if name not in ITS_OWN and not isinstance(value, str) and number_of(value) is not None and not is_empty(value)
    ]
    return numbers[0] if len(numbers) == 1 else None


def _text(value: object) -> str:
    while isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else str(value)
