"""One record an item: what was measured, as one line of JSON; files of a live run.

Every system writes this record: answers to region questions, probes of video features, and lifted objects.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmarks.records.manifest import MANIFEST, Manifest, write_manifest
from scenes.storage.atomic import write_text

RECORDS = "records.jsonl"
Fact = str | float | bool | None


@dataclass(frozen=True)
class Record:
    """The metrics of one arm on one item. Items of a `cluster` (a clip, a room) are dependent and stay together.

    Args:
        task: Test set or split.
        item: Name inside the task.
        cluster: Group of dependent items; statistics resample clusters.
        arm: Model, method or probe.
        seed: Of the training.
        metrics: Value by name; empty where the arm gave nothing to measure.
        candidate: Number of the sample, where an arm draws several an item.
        facts: What tables group items and arms by.
        reason: Why there is no parsed answer, or no metric.
        category: Kind of question.
        question: As asked.
        options: Of a multiple choice question.
        answer: Reference.
        value: Exact truth of a numeric question.
        unit: Of `value`.
        prediction: What the model wrote, untouched.
        parsed: Letter or number that the parser read from the prediction; None where it read none.
    """

    task: str
    item: str
    cluster: str
    arm: str
    seed: int
    metrics: Mapping[str, float]
    candidate: int = 0
    facts: Mapping[str, Fact] = field(default_factory=dict)
    reason: str = ""
    category: str = ""
    question: str = ""
    options: tuple[str, ...] = ()
    answer: str = ""
    value: float | None = None
    unit: str = ""
    prediction: str = ""
    parsed: str | float | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """Name what two arms have in common: task, item, training seed."""
        return self.task, self.item, self.seed

    @property
    def series(self) -> tuple[str, str, int]:
        """Name what was measured in one go: task, arm, training seed."""
        return self.task, self.arm, self.seed

    @property
    def score(self) -> float:
        """The score of an answer."""
        return self.metrics["score"]


_DEFAULTS = {
    f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in fields(Record)
}  # MISSING for the fields that every line has
_NEEDED = {name for name, default in _DEFAULTS.items() if default is MISSING}


def format_record(record: Record) -> str:
    """Write one line; fields that hold their default are left out.

    Raises:
        ValueError: A metric is not finite.
    """
    data = {name: value for name, value in vars(record).items() if value != _DEFAULTS[name]}
    return json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n"


def parse_record(line: str, where: str) -> Record:
    """Read one line; `where` names it in errors.

    Raises:
        ValueError: The line is not JSON, or has other fields than a record.
    """
    try:
        data: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{where} is not JSON ({error.msg}): the file was cut or edited; remove it and measure again"
        ) from None
    if not isinstance(data, dict):
        raise ValueError(f"{where} is not a record, but a {type(data).__name__}; remove the file and measure again")
    if wrong := sorted((_NEEDED - data.keys()) | (data.keys() - _DEFAULTS.keys())):
        raise ValueError(
            f"{where} is not a record of this version: missing or unknown {', '.join(wrong)}; "
            "remove the file and measure again"
        )
    if "options" in data:
        data["options"] = tuple(data["options"])
    return Record(**data)


def write_records(folder: Path, records: Iterable[Record], manifest: Manifest) -> None:
    """Write both files, each at once; the manifest comes last, so that a folder with one is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / RECORDS, "".join(map(format_record, records)))
    write_manifest(folder / MANIFEST, manifest)


def read_records(folder: Path) -> list[Record]:
    """Read the records of one run, plain or compressed by gzip.

    Raises:
        FileNotFoundError: The folder holds none.
        ValueError: A line is not a record, or an item occurs twice.
    """
    path = folder / RECORDS
    packed = path.with_name(path.name + ".gz")
    if not (path.is_file() or packed.is_file()):
        raise FileNotFoundError(f"no records in {folder}: `region4d bench` and `region4d study` write {RECORDS}")
    records: dict[tuple[str, int, tuple[str, str, int]], Record] = {}
    with path.open(encoding="utf-8") if path.is_file() else gzip.open(packed, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            record = parse_record(line, f"{path} line {number}")
            name = record.arm, record.candidate, record.key
            if name in records:
                raise ValueError(f"{path} line {number}: item {record.item} of {record.arm} occurs twice")
            records[name] = record
    return list(records.values())
