"""Scored samples of VLMEvalKit: one row an item, with `index`, `prediction`, `answer` and `hit` (or another score).

Its evaluation writes them beside the predictions, as *_result.FORMAT or, by dataset, as a table of extracted answers.
Read are .tsv, .csv and .json (a list of rows, or a table of columns); a workbook (.xlsx) must be saved as one of them.
Checked against commit e8e78f0 (`vlmeval/dataset/utils/multiple_choice.py`, `vsibench.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.diff.run import Fields, foreign_record, is_empty
from benchmarks.records.lines import parse_json, read_lines
from benchmarks.records.record import Record

SUFFIXES = (".tsv", ".csv", ".json")
INDEX, EXTRACTED, LONGEST_CELL = "index", "pred_extracted", 100_000_000  # characters: pictures come as text


def read_table(path: Path) -> list[dict[str, Any]]:
    """Read a table as rows.

    Raises:
        ValueError: the file is not a table with a column `index`.
    """
    if path.suffix == ".json":
        rows = _read_json(path)
    else:
        csv.field_size_limit(LONGEST_CELL)
        try:
            rows = list(csv.DictReader(read_lines(path), delimiter="\t" if path.suffix == ".tsv" else ","))
        except csv.Error as error:
            raise ValueError(f"{path} is not a table ({error}): it is not a log of VLMEvalKit") from error
    if not rows or INDEX not in rows[0]:
        raise ValueError(f"{path} has no rows with a column '{INDEX}': it is not a log of VLMEvalKit")
    return rows


def table_records(rows: Iterable[Mapping[str, Any]], path: Path, fields: Fields) -> list[Record]:
    """Turn rows into records.

    Raises:
        ValueError: a row has no score, or lacks a field that was asked for.
    """
    return [_record(row, f"{path} row {number}", fields) for number, row in enumerate(rows, 1)]


def _record(row: Mapping[str, Any], where: str, fields: Fields) -> Record:
    return foreign_record(
        row,
        where,
        fields,
        fields.metric,
        str(row[INDEX]),
        question=str(row.get("question", "")),
        answer=str(row.get("answer", "")),
        prediction=str(row.get("prediction", "")),
        parsed=None if is_empty(row.get(EXTRACTED)) else str(row[EXTRACTED]),
    )


def _read_json(path: Path) -> list[dict[str, Any]]:
    data = parse_json("".join(read_lines(path)), str(path), "it is not a log of VLMEvalKit")
    if isinstance(data, dict) and "columns" in data and "data" in data:  # pandas: orient="split"
        return [dict(zip(data["columns"], row, strict=True)) for row in data["data"]]
    if isinstance(data, dict):  # by column, each by row
        columns = {name: list(c.values()) if isinstance(c, dict) else c for name, c in data.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [dict(row) for row in data]
