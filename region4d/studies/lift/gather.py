"""The records of a lifting study, for its report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.lifting.speed import read_speeds
from benchmarks.lifting.study import LiftStudy, counted, words
from benchmarks.records.archive import read_results
from benchmarks.records.live_runs import measured_methods
from benchmarks.records.manifest import provenance
from region4d.studies.lift.methods import LiftMethods

SPEEDS = "speed.json"


def gather_lifts(methods: LiftMethods, command: str) -> LiftStudy:
    """Read the records of all measured methods, live or from the archive of the folder.

    Raises:
        ValueError: no method is measured.
    """
    study, folder = methods.config.study, Path(methods.config.runs)
    results = read_results(folder).updated(*measured_methods(folder))
    pairs = [(name, test.name) for test in methods.tests for name in methods.every]
    measured = {pair: results.measured(run_name(*pair), pair[1]) for pair in pairs if run_name(*pair) in results.runs}
    if not measured:
        raise ValueError(f"nothing of study {study.name} is measured in {folder}: run it without report_only=true")
    unmeasured = [
        name if name in methods.unavailable else f"{name} on {test}"
        for name, test in pairs
        if (name, test) not in measured
    ]
    records = [record for _, of_pair in measured.values() for record in of_pair]
    sets = "; ".join(
        f"{words(test.name)}: "
        f"{counted(len(test.indices), [record for record in records if record.task == test.name])} "
        f"{test.store.origin}"
        for test in methods.tests
    )
    legend = study.get("legend", {})
    return LiftStudy(
        title=study.title,
        summary=f"{study.about} {sets}. Baselines know {len(methods.library_store)} training objects.",
        manifest=replace(provenance([manifest for manifest, _ in measured.values()]), config={"command": command}),
        question=study.get("question", ""),
        legend={name: legend[name] for name in dict.fromkeys(name for name, _ in measured) if name in legend},
        missing=list(dict.fromkeys(unmeasured)),
        records=records,
        main=study.main,
        baselines=list(study.baselines),
        effects={name: (a, b) for name, (a, b) in study.effects.items()},
        win_rates={name: (a, b) for name, (a, b) in study.win_rates.items()},
        speeds=read_speeds(folder / SPEEDS),
        published={name: dict(values) for name, values in study.published.items()},
        differences=list(study.differences),
    )


def run_name(method: str, test: str) -> str:
    """Name the job of a method on an evaluation set, and its run in the archive."""
    return f"{method}-{test}"
