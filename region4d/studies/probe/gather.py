"""Gathering the errors of the cells of a probe study, for its report and its archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from benchmarks.probing.sites import TEST, VALIDATION, ProbeSite, probe_records
from benchmarks.probing.study import ProbeStudy
from benchmarks.records.archive import Run, read_archive, read_runs, write_archive
from benchmarks.records.manifest import Manifest, provenance
from probes.training.module import read_errors

if TYPE_CHECKING:
    from region4d.studies.probe.jobs import Cell, ProbeJob


def gather_probes(config: DictConfig, command: str, jobs: Sequence[ProbeJob], chosen: Mapping[str, Cell]) -> ProbeStudy:
    """Gather what is finished, from live cells or from the archive of `config.runs`.

    Raises:
        ValueError: Nothing is finished.
    """
    study, runs = config.study, Path(config.runs)
    cells = [cell for job in jobs for cell in job.cells]
    measured = {cell: cell_errors(cell, runs) for cell in cells if is_measured(cell, runs)}
    records = [r for cell, held in measured.items() for r in probe_records(site_of(cell), cell.seed, held["errors"])]
    manifest = provenance([Manifest(**held["manifest"]) for held in measured.values()])
    counts = {split: len(errors) for held in [*measured.values()][:1] for split, errors in held["errors"].items()}
    settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return ProbeStudy(
        title=study.title,
        summary=(
            f"{study.about} {len(measured)} probes of frozen features; {counts[VALIDATION]} validation clips chose, "
            f"{counts[TEST]} test clips score; seeds {', '.join(map(str, study.seeds))}."
        ),
        records=records,
        chosen={model: site_of(cell) for model, cell in chosen.items()},
        contrasts=[(a, b) for a, b in study.contrasts],
        controls=list(study.controls),
        capacities=list(study.probe_capacities),
        manifest=replace(manifest, config={**settings, "command": command}),
        blocks={cell.model: held["features"]["blocks"] for cell, held in measured.items()},
        question=study.get("question", ""),
        legend=dict(study.get("legend", {})),
        missing=[f"{cell.name}, seed {cell.seed}" for cell in cells if cell not in measured],
    )


def archive_probes(jobs: Sequence[ProbeJob], folder: Path) -> None:
    """Archive the live cells of jobs: their errors, and of every job its configuration and learning curve."""
    runs, records = [], []
    for job in jobs:
        live = {cell: read_errors(cell.errors) for cell in job.cells if _is_live(cell)}
        if not live:
            continue
        names = {cell: str(cell.folder.relative_to(job.folder)) for cell in live}
        runs.append(
            Run(
                name=job.name,
                arm=job.cells[0].model,
                seed=job.cells[0].seed,
                manifests={names[cell]: Manifest(**held["manifest"]) for cell, held in live.items()},
                config=_text(job.folder / "config.yaml"),
                curve=_text(job.folder / "metrics.csv"),
                features={names[cell]: held["features"] for cell, held in live.items()},
            )
        )
        records += [r for cell, held in live.items() for r in probe_records(site_of(cell), cell.seed, held["errors"])]
    write_archive(folder, runs, records)


def is_measured(cell: Cell, runs: Path) -> bool:
    """Decide whether a probe is measured: its live file is there, or the archive of `runs` holds its records."""
    return _is_live(cell) or _series(cell, TEST) in read_archive(runs)


def cell_errors(cell: Cell, runs: Path) -> dict[str, Any]:
    """Read what `probes.training.module.read_errors` reads, from the live file or from the archive of `runs`.

    Raises:
        FileNotFoundError: The probe is not trained.
    """
    archive = read_archive(runs)
    if _is_live(cell) or _series(cell, TEST) not in archive:
        return read_errors(cell.errors)
    job, _, name = cell.folder.relative_to(runs).as_posix().partition("/")
    run = read_runs(runs)[job]
    errors = {
        split: {record.item: record.metrics for record in archive.get(_series(cell, split), ())}
        for split in (VALIDATION, TEST)
    }
    return {"errors": errors, "manifest": asdict(run.manifests[name]), "features": run.features[name]}


def site_of(cell: Cell) -> ProbeSite:
    """Name the site of a cell, without seed and folder."""
    return ProbeSite(cell.model, cell.layer, cell.sigma, cell.control)


def _series(cell: Cell, split: str) -> tuple[str, str, int]:
    return split, site_of(cell).name, cell.seed


def _is_live(cell: Cell) -> bool:
    return cell.errors.is_file() or cell.errors.with_name(cell.errors.name + ".gz").is_file()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
