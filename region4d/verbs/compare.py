"""`region4d compare`: matched arms, trained and scored side by side, and a report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from benchmarks.region_qa.report import to_terminal, write_report
from benchmarks.region_qa.tasks.task import Task
from region4d.config import build, compose_config, in_study_folder, refuse_other_config, split_multirun
from region4d.studies.compare import StudyRun, plan_study
from region4d.studies.compare_gather import gather_study
from region4d.studies.runner import run_all
from region4d.studies.sweep import sweep
from region4d.terminal import CONSOLE


def compare(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Train the arms of a study from one initialisation on the same data, score them, and write a report.

    Example: region4d compare study=quick "study.seeds=[0,1]". What is finished is kept: the same command continues.
    With `-m`, every arm and seed is a job of a Hydra launcher (hydra/launcher=slurm), and no report is written;
    `report_only=true` writes one from whatever is finished.
    """
    multirun, assignments = split_multirun(in_study_folder("compare", overrides or []))
    config = compose_config("compare", assignments)
    runs = plan_study(config)
    for run in runs:
        refuse_other_config(run.folder, run.config)
    if multirun:
        sweep("compare", run_of_sweep, multirun, assignments, [run.name for run in runs], config.run)
        return
    failures = [] if config.report_only else carry_out(config, runs)
    if config.run is None:
        report(config, runs, assignments, failures)
    for failure in failures:
        CONSOLE.print(failure)
    if failures:
        raise typer.Exit(1)


def run_of_sweep(config: DictConfig) -> None:
    """Carry out one run of a study as a job of a Hydra launcher.

    Raises:
        RuntimeError: a step of it failed.
    """
    composed = compose_config("compare", list(HydraConfig.get().overrides.task))
    if failures := carry_out(composed, plan_study(composed)):
        raise RuntimeError("; ".join(failures))


def carry_out(config: DictConfig, runs: Sequence[StudyRun]) -> list[str]:
    """Render what the runs need, and take all their steps; return the failures."""
    waiting = [run for run in runs if not run.finished]
    worlds = {(str(run.config.data.world), str(run.config.data.seeds)): run for run in waiting}
    for run in worlds.values():  # once, before the runs share them
        build(run.config.data).store.render()
    if waiting:
        for name in config.study.tasks:
            load_task(config, name).items()
    return run_all(runs, config.workers)


def report(config: DictConfig, runs: Sequence[StudyRun], words: Sequence[str], failures: Sequence[str]) -> None:
    """Write the report of what is finished.

    Raises:
        ValueError: nothing is.
    """
    scored = [run for run in runs if run.finished]
    if not scored:
        why = "; ".join(failures) or f"{config.runs} holds none of {', '.join(run.name for run in runs)}"
        raise ValueError(f"no run of study {config.study.name} is finished: {why}")
    command = shlex.join(["region4d", "compare", *words])
    study = gather_study(config, command, runs, {name: load_task(config, name) for name in config.study.tasks})
    folder = Path(config.output)
    write_report(study, folder)
    CONSOLE.print(to_terminal(study))
    CONSOLE.print(f"report: {folder / 'report.html'}")


def load_task(config: DictConfig, name: str) -> Task:
    """Build a benchmark of the study."""
    task: Task = build(compose_config("bench", [f"task={name}", *config.study.bench_overrides]).task)
    return task
