"""Scored samples of VLMEvalKit: one row an item, with `index`, `prediction`, `answer` and `hit` (or another score).

Its evaluation writes them beside the predictions, as *_result.FORMAT or, by dataset, as a table of extracted answers.
Reads .tsv, .csv, .json (a list of rows, or a table of columns), and the first sheet of .xlsx where openpyxl is
installed.
Checked against commit e8e78f0 (`vlmeval/dataset/utils/multiple_choice.py`, `vsibench.py`).
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from benchmarks.diff.run import Fields, foreign_record, is_empty
from benchmarks.records.lines import parse_json, read_lines
from benchmarks.records.record import Record

WORKBOOK = ".xlsx"
SUFFIXES = (".tsv", ".csv", ".json", WORKBOOK)
DAMAGE = (  # what openpyxl, its XML parser, zipfile and zlib raise at a damaged workbook
    *(OSError, EOFError, BadZipFile, zlib.error, SyntaxError, RuntimeError),
    *(LookupError, ValueError, TypeError, AttributeError, OverflowError),
)
INDEX, EXTRACTED, LONGEST_CELL = "index", "pred_extracted", 100_000_000  # characters: pictures come as text


def read_table(path: Path) -> list[dict[str, Any]]:
    """Read a table as rows.

    Raises:
        ImportError: it is a workbook, and openpyxl is not installed.
        ValueError: the file is not a table with a column `index`.
    """
    if path.suffix == ".json":
        rows = _read_json(path)
    elif path.suffix == WORKBOOK:
        rows = _read_workbook(path)
    else:
        csv.field_size_limit(LONGEST_CELL)
        try:
            rows = list(csv.DictReader(read_lines(path), delimiter="\t" if path.suffix == ".tsv" else ","))
        except csv.Error as error:
            raise ValueError(f"{path} is not a table ({error}): it is not a log of VLMEvalKit") from error
    if not rows or not all(INDEX in row for row in rows):
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
    try:
        return _rows(data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is neither a list of rows nor a table of columns of one length: {error}") from None


def _rows(data: Any) -> list[dict[str, Any]]:
    if isinstance(data, dict) and "columns" in data and "data" in data:  # pandas: orient="split"
        return [dict(zip(data["columns"], row, strict=True)) for row in data["data"]]
    if isinstance(data, dict):  # by column, each by row
        columns = {name: list(c.values()) if isinstance(c, dict) else c for name, c in data.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [dict(row) for row in data]


def _read_workbook(path: Path) -> list[dict[str, Any]]:
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ImportError(
            f"{path} is a workbook, which needs openpyxl: pip install openpyxl, or let VLMEvalKit write a table "
            "(PRED_FORMAT=tsv)"
        ) from error
    try:
        sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
        head, *lines = list(sheet.iter_rows(values_only=True)) or [()]
    except DAMAGE as error:
        raise ValueError(f"{path} is not a workbook, or it is damaged: {error}") from None
    return [dict(zip(map(str, head), line, strict=False)) for line in lines]
