"""The archive of a study: all its records in one compressed file, and one line a run beside it.

Arms answer the same questions, so that records compress to a fiftieth of their size where those of an item stand
together. Items keep their order, because resampling depends on it. What was trained is not kept. A report is written
anew from an archive as from live runs (`report_only=true runs=FOLDER`). A study can be archived in parts, from several
machines: what comes again replaces what was there, and everything else stays.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record, format_record, parse_record
from scenes.storage.atomic import new_file

RECORDS_FILE, RUNS_FILE = "records.jsonl.xz", "runs.jsonl.xz"
PRESET = 9  # of xz: looks back over 64 MiB, as far as the same question of another arm is away
Series = tuple[str, str, int]  # task, arm, training seed


@dataclass(frozen=True)
class Run:
    """One run of a study: what made its records, and how it was trained.

    Args:
        name: Folder of the run.
        arm: Arm, model or method.
        seed: Of the training.
        manifests: By what was measured: tasks, test sets, or cells of a probe study.
        config: Composed configuration of the training, in YAML, as it was recorded.
        curve: Log of the training, in CSV.
        probes: Scores of linear probes.
        features: Of every cell of a probe study, where its features come from.
    """

    name: str
    arm: str
    seed: int
    manifests: Mapping[str, Manifest]
    config: str = ""
    curve: str = ""
    probes: Mapping[str, Any] | None = None
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def write_archive(folder: Path, runs: Sequence[Run], records: Iterable[Record]) -> None:
    """Add runs and their records to the archive of a folder, which may be empty; each file is written in one step."""
    records = list(records)
    again = {record.series for record in records}
    kept = [r for series, group in read_archive(folder).items() if series not in again for r in group]
    rank = {item: n for n, item in enumerate(dict.fromkeys((r.task, r.item) for r in [*kept, *records]))}
    ordered = sorted([*kept, *records], key=lambda r: (rank[r.task, r.item], r.arm, r.seed, r.candidate))
    of_name = dict(read_runs(folder))
    for run in runs:
        before = of_name.get(run.name)
        manifests = {**before.manifests, **run.manifests} if before else run.manifests
        of_name[run.name] = replace(run, manifests=manifests)
    _write_lines(folder / RECORDS_FILE, map(format_record, ordered))
    lines = (json.dumps(asdict(of_name[name]), ensure_ascii=False) + "\n" for name in sorted(of_name))
    _write_lines(folder / RUNS_FILE, lines)


def read_archive(folder: Path) -> Mapping[Series, Sequence[Record]]:
    """Read the records of a folder's archive by task, arm and seed; empty without an archive.

    Raises:
        ValueError: The file is cut, or a line is not a record.
    """
    path = folder / RECORDS_FILE
    return _records_of(path, path.stat().st_mtime_ns) if path.is_file() else {}


def read_runs(folder: Path) -> Mapping[str, Run]:
    """Read the runs of a folder's archive by name; empty without an archive.

    Raises:
        ValueError: The file is cut, or a line is not a run.
    """
    path = folder / RUNS_FILE
    return _runs_of(path, path.stat().st_mtime_ns) if path.is_file() else {}


def archived_runs(folder: Path) -> frozenset[str]:
    """Name the runs that a folder's archive holds; empty without an archive."""
    return frozenset(read_runs(folder))


@lru_cache(maxsize=1)
def _records_of(path: Path, _: int) -> dict[Series, list[Record]]:
    records: dict[Series, list[Record]] = {}
    for number, line in enumerate(_read_lines(path), 1):
        record = parse_record(line, f"{path} line {number}")
        records.setdefault(record.series, []).append(record)
    return records


@lru_cache(maxsize=8)
def _runs_of(path: Path, _: int) -> dict[str, Run]:
    runs = {}
    for number, line in enumerate(_read_lines(path), 1):
        try:
            data = json.loads(line)
            manifests = {name: Manifest(**each) for name, each in data.pop("manifests").items()}
            run = Run(**data, manifests=manifests)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} line {number} is not a run ({error}): archive the study again") from None
        runs[run.name] = run
    return runs


def _read_lines(path: Path) -> Iterator[str]:
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            yield from lines
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"{path} is cut, or not an archive: write it again with `region4d records archive`") from error


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with new_file(path) as draft, lzma.open(draft, "wt", encoding="utf-8", preset=PRESET) as file:
        file.writelines(lines)
