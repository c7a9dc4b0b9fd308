"""`region4d probe`: how much 3D frozen features hold, model by model, with controls and a report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from benchmarks.probing.sections import models, probe_sections
from benchmarks.report.page import Page
from probes.clips.clip_sets import ClipSet
from probes.clips.label_table import label_file
from region4d.config import build, compose_config, in_study_folder, split_multirun
from region4d.studies.probe import ProbeJob, choose_finished, plan_controls, plan_grid
from region4d.studies.probe_gather import gather_probes
from region4d.studies.runner import run_all
from region4d.studies.sweep import sweep
from region4d.terminal import CONSOLE
from scenes.storage.atomic import write_text

METHOD = (
    "Intervals: 95 %, percentile bootstrap over test clips (and over seeds of the probe where there are several), "
    "paired for differences. All models see the same clips and views. Published metrics are those of the code of arXiv "
    "2512.19949: 31 bins of 30/31 degrees, relative poses of world-to-camera matrices."
)
PICTURES = {"Models": "models.svg", "Layer and noise": "layers.svg", "Capacity of the probe": "capacity.svg"}


def probe(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Extract, train probes and compare models, e.g. `region4d probe study=quick`.

    Every model is probed at every layer and noise level; validation clips choose one cell of each, and controls follow
    there. What is finished is kept: the same command continues. `view=8080` shows predicted and true points of test
    clips in a browser. With `-m`, every job goes through a Hydra launcher: first stage=grid, then stage=controls;
    `report_only=true` then writes the report.
    """
    multirun, assignments = split_multirun(in_study_folder("probe", overrides or []))
    config = compose_config("probe", assignments)
    if config.stage not in (None, "grid", "controls"):
        raise ValueError(f"stage={config.stage} is unknown: choose grid or controls, or leave it out for both")
    if multirun:
        if config.stage is None:
            raise ValueError("with -m, name a stage: stage=grid first, then stage=controls, which stand on it")
        sweep("probe", run_of_sweep, multirun, assignments, [job.name for job in plan(config)], config.run)
        return
    if config.view is not None:
        from region4d.studies.probe_viewer import view_clouds  # viser takes seconds to import

        view_clouds(choose_finished(plan_grid(config), config.study.select), config.view)
        return
    failures = [] if config.report_only else carry_out(config)
    for failure in failures:
        CONSOLE.print(failure)
    if config.run is None:
        report(config, assignments)
    if failures:
        raise typer.Exit(1)


def run_of_sweep(config: DictConfig) -> None:
    """Carry out one job of a study for a Hydra launcher.

    Raises:
        RuntimeError: a step of it failed.
    """
    composed = compose_config("probe", list(HydraConfig.get().overrides.task))
    if failures := carry_out(composed):
        raise RuntimeError("; ".join(failures))


def plan(config: DictConfig) -> list[ProbeJob]:
    """Plan the jobs of the stage; without one, the grid, and the controls of the models whose grid is finished.

    Raises:
        ValueError: `run` names no job.
        FileNotFoundError: controls are asked for, and no grid is finished.
    """
    grid = plan_grid(config)
    chosen = {} if config.stage == "grid" else choose_finished(grid, config.study.select)
    if config.stage == "controls" and not chosen:
        raise FileNotFoundError(f"the grid is not finished ({config.runs} has none): run stage=grid first")
    jobs = [*(grid if config.stage != "controls" else ()), *plan_controls(config, chosen)]
    if config.run is None:
        return jobs
    named = [job for job in jobs if job.name == config.run]
    if not named:
        raise ValueError(
            f"study {config.study.name} has no job {config.run}: there are {', '.join(job.name for job in jobs)}"
        )
    return named


def carry_out(config: DictConfig) -> list[str]:
    """Run what is not finished: the grid, then the controls that stand on it; return the failures."""
    jobs = plan(config)
    prepare(config, jobs)
    failures = run_all(jobs, config.workers)
    if config.stage is not None or config.run is not None:
        return failures
    controls = [job for job in plan(config) if job not in jobs]
    prepare(config, controls)
    return [*failures, *run_all(controls, config.workers)]


def prepare(config: DictConfig, jobs: Sequence[ProbeJob]) -> None:
    """Render the clips of jobs once, before they share them; in a study in memory, stack their labels too."""
    waiting = [job for job in jobs if not job.finished]
    first = {word: job for job in waiting for word in job.steps[0].command if word.startswith("clips=")}
    for job in first.values():
        _, verb, *words = job.steps[0].command
        composed = compose_config(verb, words)
        clips: ClipSet = build(composed.clips)
        clips.prepare()
        if config.study.in_memory:
            label_file(clips, Path(composed.data.labels))


def report(config: DictConfig, words: Sequence[str]) -> None:
    """Write the report of what is finished.

    Raises:
        ValueError: no model's grid is.
    """
    grid = plan_grid(config)
    chosen = choose_finished(grid, config.study.select)
    if not chosen:
        raise ValueError(f"no model of study {config.study.name} has its grid in {config.runs}: run it first")
    jobs = [*grid, *plan_controls(config, chosen)]
    study = gather_probes(config, shlex.join(["region4d", "probe", *words]), jobs, chosen)
    page = Page(study.title, study.summary, METHOD, probe_sections(study), study.manifest, study.missing)
    page.write(Path(config.output))
    for section in page.sections:
        if section.figures and section.title in PICTURES:
            write_text(Path(config.output) / PICTURES[section.title], section.figures[0])
    CONSOLE.print(models(study).tables[0].markdown())
    CONSOLE.print(f"report: {Path(config.output) / 'report.html'}")
