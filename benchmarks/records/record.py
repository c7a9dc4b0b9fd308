"""Records: the measurement of one item as one line of JSON, and the files of a live run.

All systems share this record: answers to region questions, probes of video features, and lifted objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

from benchmarks.records.field_types import Form, is_fact, is_number, is_text, is_whole, list_of, mapping_of, maybe
from benchmarks.records.lines import read_lines
from benchmarks.records.manifest import MANIFEST, Manifest, write_manifest
from scenes.storage.atomic import new_file

RECORDS = "records.jsonl"
Fact = str | float | bool | None


@dataclass(frozen=True)
class Record:
    """The metrics of one arm on one item.

    Args:
        task: test set or split.
        item: name of the item within the task.
        cluster: group of dependent items, such as those of a clip or a room; statistics resample clusters.
        arm: model, method or probe.
        seed: seed of the training.
        metrics: values by name; empty if the arm produced nothing to measure.
        candidate: index of the sample, if an arm draws several per item.
        facts: properties by which tables group items and arms.
        reason: why there is no parsed answer, or no metric.
        category: category of the question.
        question: text of the question.
        options: options of a multiple-choice question.
        answer: reference answer.
        value: exact truth of a numeric question.
        unit: unit of `value`.
        prediction: unmodified output of the model.
        parsed: letter or number that the parser read from the prediction, or None.
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
        """What paired records of two arms share: task, item, training seed."""
        return self.task, self.item, self.seed

    @property
    def series(self) -> tuple[str, str, int]:
        """The measurement that this record belongs to: task, arm, training seed."""
        return self.task, self.arm, self.seed

    @property
    def score(self) -> float:
        """The score of an answer."""
        return self.metrics["score"]


_DEFAULTS = {
    f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in fields(Record)
}  # MISSING for the fields that every line has
FORM = Form(
    kind="record",
    checks={
        **dict.fromkeys(("task", "item", "cluster", "arm", "reason", "category", "question"), is_text),
        **dict.fromkeys(("answer", "unit", "prediction"), is_text),
        **dict.fromkeys(("seed", "candidate"), is_whole),
        "metrics": mapping_of(is_number),
        "facts": mapping_of(is_fact),
        "options": list_of(is_text),
        "value": maybe(is_number),
        "parsed": maybe(is_number, is_text),
    },
    needed=frozenset(name for name, default in _DEFAULTS.items() if default is MISSING),
    cure="remove the file and measure again",
)


def format_record(record: Record) -> str:
    """Format a record as one line; fields with their default value are omitted.

    Raises:
        ValueError: a metric is not finite.
    """
    data = {name: value for name, value in vars(record).items() if value != _DEFAULTS[name]}
    return json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n"


def parse_record(line: str, where: str) -> Record:
    """Parse one line; `where` names it in error messages.

    Raises:
        ValueError: the line is not JSON, its fields are not those of a record, or one has a value of another type.
    """
    data = FORM.parse(line, where)
    if "options" in data:
        data["options"] = tuple(data["options"])
    data["metrics"] = {name: float(value) for name, value in data["metrics"].items()}
    data |= {name: float(data[name]) for name in ("value", "parsed") if isinstance(data.get(name), int)}
    return Record(**data)


def write_records(folder: Path, records: Iterable[Record], manifest: Manifest) -> None:
    """Write both files, each atomically; the manifest is last, so that a folder with a manifest is complete."""
    with new_file(folder / RECORDS) as draft, draft.open("w", encoding="utf-8") as file:
        file.writelines(map(format_record, records))
    write_manifest(folder / MANIFEST, manifest)


def scan_records(folder: Path) -> Iterator[Record]:
    """Read the records of one run one after the other, so that a large run need not fit into memory.

    Raises:
        FileNotFoundError: the folder has no records.
        ValueError: a line is not a record.
    """
    path = folder / RECORDS
    if not path.is_file():
        raise FileNotFoundError(f"no records in {folder}: `region4d bench` and `region4d study` write {RECORDS}")
    for number, line in enumerate(read_lines(path), 1):
        yield parse_record(line, f"{path} line {number}")


def read_records(folder: Path) -> list[Record]:
    """Read the records of one run.

    Raises:
        FileNotFoundError: the folder has no records.
        ValueError: a line is not a record, or an item occurs twice.
    """
    records: dict[tuple[str, int, tuple[str, str, int]], Record] = {}
    for number, record in enumerate(scan_records(folder), 1):
        key = record.arm, record.candidate, record.key
        if key in records:
            raise ValueError(
                f"{folder / RECORDS} line {number}: item {record.item} of {record.arm} occurs twice; "
                "remove the file and measure again"
            )
        records[key] = record
    return list(records.values())
