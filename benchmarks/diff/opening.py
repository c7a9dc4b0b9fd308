"""Opening a run, whatever wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.diff.lmms_eval import is_sample, sample_records
from benchmarks.diff.run import Fields, Run
from benchmarks.diff.vlm_eval_kit import EXTRACTED, SUFFIXES, read_table, table_records
from benchmarks.records.lines import parse_json, read_lines
from benchmarks.records.record import Record, parse_record
from benchmarks.region_qa.record_table import read_source

KINDS = (
    "a folder of records, FOLDER#RUN of an archive, *_samples_TASK.jsonl of lmms-eval, or a scored table of VLMEvalKit "
    f"({', '.join(SUFFIXES)})"
)


def open_run(source: str, fields: Fields) -> Run:
    """Read a run.

    Args:
        source: one of KINDS.
        fields: fields of a foreign log.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: it is none of KINDS, has no item, or holds an item twice.
    """
    run = _read(source, fields)
    if not run.records:
        raise ValueError(f"{source} has no items")
    seen: set[tuple[str, str, int]] = set()
    for record in run.records:
        if record.key in seen:
            raise ValueError(f"{source} holds item {record.item} twice: give a run of one arm and one pass")
        seen.add(record.key)
    return run


def _read(source: str, fields: Fields) -> Run:
    path = Path(source.partition("#")[0]) if "#" in source else Path(source)
    if path.is_dir():
        records, manifest = read_source(source)
        return Run(source, records, "region4d", _metrics(records), manifest)
    if not path.is_file():
        raise FileNotFoundError(f"no run '{source}': give {KINDS}")
    if path.suffix == ".jsonl":
        return _read_lines(path, fields)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path} is not a run: give {KINDS}")
    table = read_table(path)
    rows = table_records(table, path, fields)
    return Run(source, rows, "VLMEvalKit", _metrics(rows), knows_unparsed=EXTRACTED in table[0])


def _read_lines(path: Path, fields: Fields) -> Run:
    first = next(_lines(path), None)
    if first is None:
        raise ValueError(f"{path} is empty")
    if is_sample(first[1]):
        records = sample_records(_lines(path), fields)
        return Run(str(path), records, "lmms-eval", _metrics(records), knows_unparsed=False)
    own = [parse_record(line, f"{path} line {number}") for number, line in enumerate(read_lines(path), 1)]
    return Run(str(path), own, "region4d", _metrics(own))


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(read_lines(path), 1):
        where = f"{path} line {number}"
        data = parse_json(line, where, "the file is cut, or it is not a log")
        if not isinstance(data, dict):
            raise ValueError(f"{where} is a {type(data).__name__}, not a sample")
        yield where, data


def _metrics(records: list[Record]) -> str:
    return ", ".join(dict.fromkeys(str(record.facts.get("metric", "accuracy")) for record in records))
