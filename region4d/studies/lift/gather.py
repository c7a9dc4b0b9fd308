"""Gathering the records of a lifting study, for its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.lifting.measure import records_path
from benchmarks.lifting.speed import read_speeds
from benchmarks.lifting.study import LiftStudy
from benchmarks.records.archive import read_archive, read_runs
from benchmarks.records.manifest import MANIFEST, Manifest, provenance, read_manifest
from benchmarks.records.record import Record, read_records
from region4d.studies.lift.methods import LiftPlan

SPEEDS = "speed.json"


def gather_lifts(plan: LiftPlan, command: str) -> LiftStudy:
    """Read the records of all methods that are finished, from live files or from the archive of the folder.

    Raises:
        ValueError: There are none.
    """
    study, folder = plan.config.study, Path(plan.config.runs)
    records: list[Record] = []
    manifests: list[Manifest] = []
    missing = list(plan.unavailable)
    for test in plan.tests:
        for name in [*study.ceilings, *study.baselines, *study.arms]:
            if (measured := method_records(folder, test.name, name)) is not None:
                records += measured[0]
                manifests.append(measured[1])
            elif name not in missing:
                missing.append(f"{name} on {test.name}")
    if not records:
        raise ValueError(f"nothing of study {study.name} is measured in {folder}: run it without report_only=true")
    sets = "; ".join(
        f"{test.name.replace('_', ' ')}: {len(test.indices)} objects from seed {test.store.seeds.start}"
        for test in plan.tests
    )
    return LiftStudy(
        title=study.title,
        summary=f"{study.about} {sets}. Baselines know {len(plan.library_store)} training objects.",
        records=records,
        manifest=replace(provenance(manifests), config={"command": command}),
        main=study.main,
        baselines=list(study.baselines),
        effects={name: (a, b) for name, (a, b) in study.effects.items()},
        win_rates={name: (a, b) for name, (a, b) in study.win_rates.items()},
        speeds=read_speeds(folder / SPEEDS),
        question=study.get("question", ""),
        legend=dict(study.get("legend", {})),
        missing=missing,
    )


def method_records(folder: Path, test: str, method: str) -> tuple[Sequence[Record], Manifest] | None:
    """Read the records of a method on an evaluation set, and what made them; None where it is not measured."""
    path = records_path(folder, test, method)
    if (path / MANIFEST).is_file():
        return read_records(path), read_manifest(path)
    archived = read_archive(folder).get((test, method, 0))
    return None if archived is None else (archived, read_runs(folder)[f"{method}-{test}"].manifests[test])
