"""The runs in a study's folder, before they are archived."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.records.archive import Run
from benchmarks.records.manifest import MANIFEST, read_manifest
from benchmarks.records.record import Record, read_records


def trained_runs(folder: Path) -> tuple[list[Run], list[Record]]:
    """Read the runs of trained arms: RUN/records/TASK, with the configuration, curve and probe scores of RUN.

    Raises:
        ValueError: a manifest or a record is malformed.
    """
    runs, records = [], []
    for path in sorted({manifest.parents[2] for manifest in folder.glob(f"*/records/*/{MANIFEST}")}):
        tasks = {manifest.parent.name: manifest.parent for manifest in sorted(path.glob(f"records/*/{MANIFEST}"))}
        answers = [record for task in tasks.values() for record in read_records(task)]
        runs.append(
            Run(
                name=path.name,
                arm=answers[0].arm,
                seed=answers[0].seed,
                manifests={task: read_manifest(answered) for task, answered in tasks.items()},
                config=text_of(path / "config.yaml"),
                curve=text_of(path / "metrics.csv"),
                probes=_read_probes(path / "probes.json"),
            )
        )
        records += answers
    return runs, records


def measured_methods(folder: Path) -> tuple[list[Run], list[Record]]:
    """Read the methods of a lifting study: records/SET/METHOD; the name of a run is METHOD-SET.

    Raises:
        ValueError: a manifest or a record is malformed.
    """
    runs, records = [], []
    for path in sorted(manifest.parent for manifest in folder.glob(f"records/*/*/{MANIFEST}")):
        test, method = path.parent.name, path.name
        runs.append(Run(f"{method}-{test}", method, 0, {test: read_manifest(path)}))
        records += read_records(path)
    return runs, records


def text_of(path: Path) -> str:
    """Read a file; empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _read_probes(path: Path) -> Mapping[str, Any] | None:
    try:
        probes: Mapping[str, Any] | None = json.loads(text_of(path) or "null")
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON ({error.msg}): run the linear probes again") from None
    return probes
