"""Files of questions: JSON lines, a JSON list, or a Parquet table, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.records.lines import parse_json, read_lines

Row = Mapping[str, Any]
CURE = "get the file again"


def read_rows(path: Path, needed: Iterable[str], within: str = "") -> Iterator[Row]:
    """Read the rows of a file, which all have the `needed` fields; of JSON, those of the list named `within`.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: the file is Parquet, and pyarrow is not installed.
        ValueError: the file is damaged, a row is not an object, or it lacks a field.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no questions at {path}: give the folder of the downloaded benchmark, task.folder=...")
    for number, row in enumerate(_rows(path, within), 1):
        missing = [name for name in needed if not isinstance(row, Mapping) or name not in row]
        if missing:
            raise ValueError(f"{path} row {number} has no {', '.join(missing)}: it is not in the published layout")
        yield row


def _rows(path: Path, within: str) -> Iterator[Any]:
    if path.suffix == ".parquet":
        yield from _parquet(path)
    elif path.suffix == ".jsonl":
        for number, line in enumerate(read_lines(path), 1):
            if line.strip():
                yield parse_json(line, f"{path} line {number}", CURE)
    else:
        content = parse_json("".join(read_lines(path)), str(path), CURE)
        if within:
            content = content.get(within) if isinstance(content, Mapping) else None
        if not isinstance(content, list):
            named = f" '{within}'" if within else ""
            raise ValueError(f"{path} has no list{named}: it is not in the published layout")
        yield from content


def _parquet(path: Path) -> Iterator[Any]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise ImportError(f"{path} needs pyarrow: pip install 'region4d[lerobot]'") from error
    try:
        for batch in parquet.ParquetFile(path).iter_batches(1024):
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        first = str(error).partition("\n")[0]
        raise ValueError(f"{path} is not a Parquet table, or it is damaged: {first}") from error
