"""Gathering what `region4d study lift/NAME` has measured, for its report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.lifting.measure import records_path
from benchmarks.lifting.records import LiftRecord, read_lift_manifest, read_lift_records
from benchmarks.lifting.speed import read_speeds
from benchmarks.lifting.study import LiftStudy
from benchmarks.records.manifest import Manifest, collect_manifest
from region4d.studies.lift import LiftPlan

SPEEDS = "speed.json"


def gather_lifts(plan: LiftPlan, command: str) -> LiftStudy:
    """Read the records of all methods that are finished.

    Raises:
        ValueError: there are none.
    """
    study, folder = plan.config.study, Path(plan.config.runs)
    records: list[LiftRecord] = []
    made: list[Manifest] = []
    missing = list(plan.unavailable)
    for test in plan.tests:
        for name in [*study.ceilings, *study.baselines, *study.arms]:
            path = records_path(folder, test.name, name)
            if (manifest := read_lift_manifest(path)) is not None:
                records += read_lift_records(path)
                made.append(manifest)
            elif name not in missing:
                missing.append(f"{name} on {test.name}")
    if not records:
        raise ValueError(f"nothing of study {study.name} is measured in {folder}: run it without report_only=true")
    manifest = collect_manifest({"command": command})
    manifest = replace(
        manifest,
        commit=", ".join(dict.fromkeys(one.commit for one in made)),
        machine=", ".join(dict.fromkeys(one.machine for one in made)),
        versions=made[-1].versions,
        time=max(one.time for one in made),
    )  # of the measurements, not of the machine that writes the report
    sets = "; ".join(
        f"{test.name.replace('_', ' ')}: {len(test.places)} objects from seed {test.store.seeds.start}"
        for test in plan.tests
    )
    return LiftStudy(
        title=study.title,
        summary=f"{study.about} {sets}. Baselines know {len(plan.library_store)} training objects.",
        records=records,
        manifest=manifest,
        main=study.main,
        baselines=list(study.baselines),
        effects={name: (a, b) for name, (a, b) in study.effects.items()},
        win_rates={name: (a, b) for name, (a, b) in study.win_rates.items()},
        speeds=read_speeds(folder / SPEEDS),
        missing=missing,
    )
