"""Files of questions: JSON lines, a JSON list, or a Parquet table, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def read_rows(path: Path, needed: Iterable[str], within: str = "") -> Iterator[Row]:
    """Read the rows of a file, which all have the `needed` fields; of JSON, those of the list named `within`.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: the file is Parquet, and pyarrow is not installed.
        ValueError: a row is not an object, or lacks a field.
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
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parsed(line, f"{path} line {number}")
    else:
        content = _parsed(path.read_text(encoding="utf-8"), str(path))
        if within and not (isinstance(content, Mapping) and isinstance(content.get(within), list)):
            raise ValueError(f"{path} has no list '{within}': it is not in the published layout")
        yield from content[within] if within else content


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where} is not JSON ({error.msg}): get the file again") from None


def _parquet(path: Path) -> Iterator[Any]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(f"{path} needs pyarrow: pip install 'region4d[lerobot]'") from error
    for batch in parquet.ParquetFile(path).iter_batches(1024):
        yield from batch.to_pylist()
