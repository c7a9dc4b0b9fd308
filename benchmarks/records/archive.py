"""The results of a study as they are kept: what its report is made from, and nothing that was trained.

    python -m benchmarks.records.archive outputs/runs/standard results/standard

Arms answer the same questions, so that the records of a task, sorted by item, compress to a fiftieth of their size when
they lie in one file. `region4d compare ... runs=FOLDER report_only=true` writes the report anew. What is archived
already stays, but for the runs that come again: a study can be archived in parts, from several machines.
"""

from __future__ import annotations

import json
import lzma
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.records.record import MANIFEST, RECORDS, Record, parse_record, read_records
from scenes.storage.atomic import new_file

ARCHIVE = "records"  # folder beside the runs, one file a task
ENDING = ".jsonl.xz"
KEPT = ("config.yaml", "metrics.csv", "probes.json")  # of a run, beside its records
LARGE_DICTIONARY = 9  # xz preset: it looks back over 64 MiB, as far as the same question of another arm is away


def write_archive(path: Path, records: Iterable[Record]) -> None:
    """Write records to one compressed file, in one step."""
    ordered = sorted(records, key=lambda r: (r.item, r.arm, r.seed))
    lines = "".join(json.dumps(asdict(r), ensure_ascii=False, allow_nan=False) + "\n" for r in ordered)
    with new_file(path) as draft:
        draft.write_bytes(lzma.compress(lines.encode(), preset=LARGE_DICTIONARY))


def read_archive(path: Path) -> dict[tuple[str, int], list[Record]]:
    """Read the records of all runs of a task, by (arm, seed).

    Raises:
        ValueError: the file is cut, or a line is no record.
    """
    found: dict[tuple[str, int], list[Record]] = {}
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                record = parse_record(line, f"{path} line {number}")
                found.setdefault((record.arm, record.seed), []).append(record)
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(
            f"{path} is cut, or no archive of records: write it again with benchmarks.records.archive"
        ) from error
    return found


def archived_records(runs: Path, task: str) -> Mapping[tuple[str, int], list[Record]]:
    """Read the archive of a task beside the runs of a study; empty where there is none."""
    path = runs / ARCHIVE / (task + ENDING)
    return read_archive(path) if path.is_file() else {}


def main(
    runs: Annotated[Path, typer.Argument(help="folder of a study's runs", exists=True, file_okay=False)],
    folder: Annotated[Path, typer.Argument(help="where the results are kept")],
) -> None:
    """Archive the results of the runs in a folder: records in one file a task, manifests, curves and probe scores."""
    manifests = sorted(runs.glob(f"*/records/*/{MANIFEST}"))
    if not manifests:
        raise typer.BadParameter(f"{runs} holds no runs with records (RUN/records/TASK/{RECORDS})")
    answered: dict[str, list[Record]] = {}
    for manifest in manifests:
        answered.setdefault(manifest.parent.name, []).extend(read_records(manifest.parent))
    for task, records in answered.items():
        again = {(record.arm, record.seed) for record in records}
        before = {run: of for run, of in archived_records(folder, task).items() if run not in again}
        records.extend(chain.from_iterable(before.values()))
        print(f"{task}: {len(again)} runs beside {len(before)} archived before, {len(records)} answers")
    for manifest in manifests:
        task, run = manifest.parent.name, manifest.parents[2]
        kept = folder / run.name / "records" / task / MANIFEST
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(manifest, kept)
        for name in KEPT:
            if (run / name).is_file():
                shutil.copyfile(run / name, folder / run.name / name)
    for task, records in answered.items():
        write_archive(folder / ARCHIVE / (task + ENDING), records)


if __name__ == "__main__":
    typer.run(main)
