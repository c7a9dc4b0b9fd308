"""Gathering the errors that the cells of a probe study have written, for its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from omegaconf import DictConfig, OmegaConf

from benchmarks.probing.study import Place, ProbeResult, ProbeStudy
from benchmarks.records.manifest import collect_manifest
from probes.training.module import read_errors
from region4d.studies.probe import Cell, ProbeJob


def gather_probes(config: DictConfig, command: str, jobs: Sequence[ProbeJob], chosen: Mapping[str, Cell]) -> ProbeStudy:
    """Gather what is finished."""
    study = config.study
    cells = [cell for job in jobs for cell in job.cells]
    found = [(cell, read_errors(cell.errors)) for cell in cells if cell.finished]
    results = [
        ProbeResult(place_of(cell), cell.seed, said["errors"]["val"], said["errors"]["test"]) for cell, said in found
    ]
    settings = OmegaConf.to_container(config, resolve=True)
    manifest = collect_manifest({**settings, "command": command})  # type: ignore[dict-item]
    made = [said["manifest"] for _, said in found]
    commits = ", ".join(dict.fromkeys(one["commit"] for one in made))
    manifest = replace(
        manifest, commit=commits, **{name: made[-1][name] for name in ("machine", "versions", "time")}
    )  # of the cells, not of the machine that writes the report
    clips = {split: len(found[0][1]["errors"][split]) for split in ("val", "test")}
    return ProbeStudy(
        title=study.title,
        summary=(
            f"{study.about} {len(results)} probes of frozen features; {clips['val']} validation clips chose, "
            f"{clips['test']} test clips score; seeds {', '.join(map(str, study.seeds))}."
        ),
        results=results,
        chosen={model: place_of(cell) for model, cell in chosen.items()},
        contrasts=[(a, b) for a, b in study.contrasts],
        controls=list(study.controls),
        ladder=list(study.probe_capacities),
        manifest=manifest,
        blocks={cell.model: said["features"]["blocks"] for cell, said in found},
        missing=[f"{cell.name}, seed {cell.seed}" for cell in cells if not cell.finished],
    )


def place_of(cell: Cell) -> Place:
    """Forget seed and folder."""
    return Place(cell.model, cell.layer, cell.sigma, cell.control)
