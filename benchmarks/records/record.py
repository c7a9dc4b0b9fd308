"""What was measured: one JSON line an item, and beside it a manifest of what made them.

Tables, plots and reports read these files and never run a model, so that a study can be scored again.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.records.manifest import Manifest
from scenes.storage.atomic import write_text

RECORDS, MANIFEST = "records.jsonl", "manifest.json"


@dataclass(frozen=True)
class Record:
    """One answer of one model. Items of a `cluster` (a clip, a room) are dependent; statistics keep them together.

    `answer` is the reference, `value` the exact truth in `unit` of a numeric question, `prediction` what the model
    wrote, untouched, `parsed` what the parser made of it (None with a `reason` where nothing), `score` what it earned.
    """

    task: str
    item: str
    cluster: str
    category: str
    arm: str
    seed: int
    question: str
    options: tuple[str, ...]
    answer: str
    value: float | None
    unit: str
    prediction: str
    parsed: str | float | None
    reason: str
    score: float

    @property
    def key(self) -> tuple[str, str, int]:
        """What two arms have in common: task, item, training seed."""
        return self.task, self.item, self.seed


def write_records(folder: Path, records: Iterable[Record], manifest: Manifest) -> None:
    """Write both files, each at once; the manifest comes last, so that a folder with one is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(asdict(record), ensure_ascii=False, allow_nan=False) + "\n" for record in records)
    write_text(folder / RECORDS, "".join(lines))
    write_text(folder / MANIFEST, json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")


def read_records(folder: Path) -> list[Record]:
    """Read the records of one run, plain or compressed by gzip.

    Raises:
        FileNotFoundError: The folder holds none.
        ValueError: A line is no record, or an item occurs twice.
    """
    path = folder / RECORDS
    packed = path.with_name(path.name + ".gz")
    if not (path.is_file() or packed.is_file()):
        raise FileNotFoundError(f"no records in {folder}: {RECORDS} is written by `region4d bench`")
    records: dict[tuple[str, tuple[str, str, int]], Record] = {}
    with path.open(encoding="utf-8") if path.is_file() else gzip.open(packed, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            record = parse_record(line, f"{path} line {number}")
            if (record.arm, record.key) in records:
                raise ValueError(f"{path} line {number}: item {record.item} of {record.arm} occurs twice")
            records[record.arm, record.key] = record
    return list(records.values())


def parse_record(line: str, where: str) -> Record:
    """Read one line; `where` names it in errors.

    Raises:
        ValueError: The line is not JSON, or has other fields than a record.
    """
    try:
        data: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{where} is not JSON ({error.msg}): the file was cut or edited; run `region4d bench` again"
        ) from None
    names = {field.name for field in fields(Record)}
    if not isinstance(data, dict) or data.keys() != names:
        wrong = sorted(names ^ data.keys()) if isinstance(data, dict) else [type(data).__name__]
        raise ValueError(
            f"{where} is not a record: missing or unknown {', '.join(wrong)}; it was made by another version"
        )
    return Record(**{**data, "options": tuple(data["options"])})


def read_manifest(folder: Path) -> Manifest:
    """Read what made the records of one run.

    Raises:
        FileNotFoundError: There is none: the run did not end.
        ValueError: It is not a manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"no {MANIFEST} in {folder}: the run did not end; run `region4d bench` again")
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{path} is not a manifest: {error}") from None


def pair_records(first: Iterable[Record], second: Iterable[Record]) -> list[tuple[Record, Record]]:
    """Join two arms by task, item and training seed, in the order of the first.

    Raises:
        ValueError: An item is missing in one of them, or has another question or answer there.
    """
    one, other = {r.key: r for r in first}, {r.key: r for r in second}
    if alone := one.keys() ^ other.keys():
        task, item, seed = min(alone)
        raise ValueError(
            f"{len(alone)} items have no partner, first {task} {item} of seed {seed}: "
            "two arms compare only on the same items with the same seeds"
        )
    for key, record in one.items():
        if (record.question, record.answer) != (other[key].question, other[key].answer):
            raise ValueError(f"item {record.item} of {record.task} is another question in each arm: score both anew")
    return [(record, other[key]) for key, record in one.items()]
