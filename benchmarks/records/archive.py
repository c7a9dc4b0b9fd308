"""The archive of a study: all its records in one compressed file, and its runs in another, one per line.

Arms answer the same questions, so records compress to a fiftieth of their size when those of an item are adjacent.
Items keep their order, because resampling depends on it. Weights are not archived. A report can be rewritten from an
archive as from live runs (`report_only=true runs=FOLDER`). A study can be archived in parts, from several machines: a
run that is archived again replaces its records, and all others stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.records.field_types import Form, anything, is_text, is_whole, mapping_of, maybe
from benchmarks.records.lines import read_lines, write_lines
from benchmarks.records.manifest import FORM as MANIFEST_FORM
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record, format_record, parse_record

RECORDS_FILE, RUNS_FILE = "records.jsonl.xz", "runs.jsonl.xz"
Series = tuple[str, str, int]  # task, arm, training seed


@dataclass(frozen=True)
class Run:
    """One run of a study: the provenance of its records, and how it was trained.

    Args:
        name: name of the run's folder.
        arm: arm, model or method.
        seed: seed of the training.
        manifests: manifests by task, test set, or cell of a probe study.
        config: recorded configuration of the training, in YAML.
        curve: log of the training, in CSV.
        probes: scores of linear probes.
        features: origin of the features of each cell of a probe study.
    """

    name: str
    arm: str
    seed: int
    manifests: Mapping[str, Manifest]
    config: str = ""
    curve: str = ""
    probes: Mapping[str, Any] | None = None
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


FORM = Form(
    kind="run",
    checks={
        **dict.fromkeys(("name", "arm", "config", "curve"), is_text),
        "seed": is_whole,
        "manifests": mapping_of(anything),
        "probes": maybe(mapping_of(anything)),
        "features": mapping_of(mapping_of(anything)),
    },
    needed=frozenset({"name", "arm", "seed", "manifests"}),
    cure="archive the study again",
)


@dataclass(frozen=True)
class Results:
    """The runs of a study by name, and their records by task, arm and seed."""

    runs: Mapping[str, Run]
    records: Mapping[Series, Sequence[Record]]

    def updated(self, runs: Iterable[Run], records: Iterable[Record]) -> Results:
        """Add runs and records, which replace those of the same name or series."""
        by_name = dict(self.runs)
        for run in runs:
            if (old := by_name.get(run.name)) is not None:
                manifests, features = {**old.manifests, **run.manifests}, {**old.features, **run.features}
                run = replace(run, manifests=manifests, features=features)
            by_name[run.name] = run
        return Results(by_name, {**self.records, **_by_series(records)})

    def measured(self, run: str, task: str) -> tuple[Manifest, Sequence[Record]]:
        """Find the manifest and the records of a run on a task.

        Raises:
            ValueError: the run has no records of the task.
        """
        if run not in self.runs or task not in self.runs[run].manifests:
            raise ValueError(f"run {run} has no records of {task}: start the study again to measure it")
        held = self.runs[run]
        return held.manifests[task], self.records[task, held.arm, held.seed]


def write_archive(folder: Path, runs: Iterable[Run], records: Iterable[Record]) -> None:
    """Add runs and their records to the archive of a folder, which may be empty; each file is written in one step."""
    results = read_results(folder).updated(runs, records)
    every = [record for group in results.records.values() for record in group]
    rank = {item: n for n, item in enumerate(dict.fromkeys((r.task, r.item) for r in every))}
    ordered = sorted(every, key=lambda r: (rank[r.task, r.item], r.arm, r.seed, r.candidate))
    write_lines(folder / RECORDS_FILE, map(format_record, ordered))
    lines = (json.dumps(asdict(results.runs[name]), ensure_ascii=False) + "\n" for name in sorted(results.runs))
    write_lines(folder / RUNS_FILE, lines)


def read_results(folder: Path) -> Results:
    """Read the archive of a folder; empty without an archive.

    Raises:
        ValueError: a file is cut, or a line is not a run or a record.
    """
    return Results(read_runs(folder), read_archive(folder))


def read_archive(folder: Path) -> Mapping[Series, Sequence[Record]]:
    """Read the records of a folder's archive by task, arm and seed; empty without an archive.

    Raises:
        ValueError: the file is truncated, or a line is not a record.
    """
    path = folder / RECORDS_FILE
    return _records_of(path, path.stat().st_mtime_ns) if path.is_file() else {}


def read_runs(folder: Path) -> Mapping[str, Run]:
    """Read the runs of a folder's archive by name; empty without an archive.

    Raises:
        ValueError: the file is truncated, or a line is not a run.
    """
    path = folder / RUNS_FILE
    return _runs_of(path, path.stat().st_mtime_ns) if path.is_file() else {}


def archived_runs(folder: Path) -> frozenset[str]:
    """List the names of the runs in a folder's archive; empty without an archive."""
    return frozenset(read_runs(folder))


def read_task(folder: Path, task: str) -> Iterator[Record]:
    """Read the records of one task out of a folder's archive, one at a time: a large archive need not fit into memory.

    Raises:
        ValueError: the file is truncated, or a line is not a record.
    """
    path = folder / RECORDS_FILE
    begin, wanted = '{"task": ', json.dumps({"task": task}, ensure_ascii=False)[:-1]  # as lines begin, and as these do
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(wanted) or not line.startswith(begin):
            record = parse_record(line, f"{path} line {number}")
            if record.task == task:
                yield record


@lru_cache(maxsize=1)
def _records_of(path: Path, _: int) -> dict[Series, list[Record]]:
    return _by_series(parse_record(line, f"{path} line {n}") for n, line in enumerate(read_lines(path), 1))


def _by_series(records: Iterable[Record]) -> dict[Series, list[Record]]:
    groups: dict[Series, list[Record]] = {}
    for record in records:
        groups.setdefault(record.series, []).append(record)
    return groups


@lru_cache(maxsize=8)
def _runs_of(path: Path, _: int) -> dict[str, Run]:
    runs = {}
    for number, line in enumerate(read_lines(path), 1):
        where = f"{path} line {number}"
        data = FORM.parse(line, where)
        manifests = data["manifests"].items()
        data["manifests"] = {name: Manifest(**MANIFEST_FORM.checked(each, where)) for name, each in manifests}
        runs[data["name"]] = Run(**data)
    return runs
