"""The records of a probe study, for its report and its archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig

from benchmarks.probing.sites import TEST, VALIDATION, probe_records
from benchmarks.probing.study import ProbeStudy
from benchmarks.records.archive import Results, Run, read_results
from benchmarks.records.live_runs import text_of
from benchmarks.records.manifest import Manifest, provenance
from benchmarks.records.record import Record
from probes.training.module import read_errors
from region4d.studies.probe.jobs import Cell, ProbeJob


def gather_probes(config: DictConfig, command: str, jobs: Sequence[ProbeJob], chosen: Mapping[str, Cell]) -> ProbeStudy:
    """Read the records of the finished cells, live or from the archive of `config.runs`.

    Raises:
        ValueError: no cell is finished.
    """
    study, results = config.study, probe_results(jobs, Path(config.runs))
    cells = {cell: job for job in jobs for cell in job.cells}
    measured = [cell for cell in cells if cell.series(TEST) in results.records]
    runs = {cell: results.runs[cells[cell].name] for cell in measured}
    names = {cell: cells[cell].name_of(cell) for cell in measured}
    counts = {split: len(results.records.get(measured[0].series(split), ())) for split in (VALIDATION, TEST)}
    return ProbeStudy(
        title=study.title,
        summary=(
            f"{study.about} {len(measured)} probes of frozen features; {counts[VALIDATION]} validation clips chose, "
            f"{counts[TEST]} test clips score; seeds {', '.join(map(str, study.seeds))}."
        ),
        manifest=replace(
            provenance([runs[cell].manifests[names[cell]] for cell in measured]), config={"command": command}
        ),
        question=study.get("question", ""),
        legend=dict(study.get("legend", {})),
        missing=[f"{cell.site.name}, seed {cell.seed}" for cell in cells if cell not in runs],
        records=[r for cell in measured for split in (VALIDATION, TEST) for r in records_of(cell, split, results)],
        chosen={model: cell.site for model, cell in chosen.items()},
        contrasts=[(a, b) for a, b in study.contrasts],
        controls=list(study.controls),
        capacities=list(study.probe_capacities),
        published={model: dict(values) for model, values in study.published.items()},
        differences=list(study.differences),
        blocks={cell.site.model: runs[cell].features[names[cell]]["blocks"] for cell in measured},
    )


def probe_results(jobs: Sequence[ProbeJob], folder: Path) -> Results:
    """Read the results of jobs: the archive of a folder of runs, and live cells, which replace archived ones."""
    return read_results(folder).updated(*live_cells(jobs))


def live_cells(jobs: Sequence[ProbeJob]) -> tuple[list[Run], list[Record]]:
    """Read the live cells of jobs: their errors, and the configuration and learning curve of every job."""
    runs: list[Run] = []
    records: list[Record] = []
    for job in jobs:
        live = {cell: read_errors(cell.errors) for cell in job.cells if cell.finished}
        if not live:
            continue
        runs.append(
            Run(
                name=job.name,
                arm=job.cells[0].site.model,
                seed=job.cells[0].seed,
                manifests={job.name_of(cell): Manifest(**held["manifest"]) for cell, held in live.items()},
                config=text_of(job.folder / "config.yaml"),
                curve=text_of(job.folder / "metrics.csv"),
                features={job.name_of(cell): held["features"] for cell, held in live.items()},
            )
        )
        records += [r for cell, held in live.items() for r in probe_records(cell.site, cell.seed, held["errors"])]
    return runs, records


def records_of(cell: Cell, split: str, results: Results) -> Sequence[Record]:
    """Find the records of a cell on a split; none where it is not measured."""
    return results.records.get(cell.series(split), ())
