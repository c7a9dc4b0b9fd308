"""What a study consists of: for every arm and seed a training, its benchmarks and its probes, as commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from region4d.config import compose_config
from region4d.studies.runner import Job, Step


@dataclass(frozen=True)
class StudyRun(Job):
    """One arm with one seed, and the composed configuration of its training."""

    arm: str
    seed: int
    config: DictConfig

    def records(self, task: str) -> Path:
        """Locate the answers to a task."""
        return self.folder / "records" / task

    @property
    def probes(self) -> Path:
        """Locate the scores of the linear probes."""
        return self.folder / "probes.json"


def plan_study(config: DictConfig) -> list[StudyRun]:
    """Plan all runs of a study, seed by seed.

    Raises:
        ValueError: `arms` or `run` names what the study does not have, or a contrast or endpoint does.
    """
    check_names(config.study)
    arms = config.arms or list(config.study.arms)
    if unknown := sorted(set(arms) - set(config.study.arms)):
        raise ValueError(
            f"study {config.study.name} has no arm {', '.join(unknown)}: choose among {', '.join(config.study.arms)}"
        )
    runs = [plan_run(config, arm, seed) for seed in config.study.seeds for arm in arms]
    if config.run is None:
        return runs
    chosen = [run for run in runs if run.name == config.run]
    if not chosen:
        raise ValueError(f"study {config.study.name} has no run {config.run}: there are {names_of(runs)}")
    return chosen


def plan_run(config: DictConfig, arm: str, seed: int) -> StudyRun:
    """Compose the training of one arm with one seed, and name the commands."""
    study = config.study
    folder = Path(config.runs) / f"{arm}-seed{seed}"
    assignments = [f"experiment={study.experiment}", f"seed={seed}", f"output={folder}"]
    assignments += ["trainer.enable_progress_bar=false", *study.arms[arm], *study.overrides]
    model = folder / "model"
    composed = compose_config("train", assignments)
    steps = [Step("training", ("region4d", "train", *assignments), model, int(composed.trainer.max_steps))]
    for task in study.tasks:
        records = folder / "records" / task
        scoring = ["bench", f"model={model}", f"task={task}", f"label={arm}", f"seed={seed}", f"output={records}"]
        scoring += study.bench_overrides
        steps.append(Step(f"scoring {task}", ("region4d", *scoring), records / "manifest.json"))
    if study.probes:
        probes = folder / "probes.json"
        named = ("--arm", arm, "--seed", str(seed), "--output", str(probes))
        steps.append(Step("probing", ("distill.linear_probe", str(model), *named), probes))
    return StudyRun(f"{arm}-seed{seed}", folder, tuple(steps), arm, seed, composed)


def check_names(study: DictConfig) -> None:
    """Refuse a study whose parts do not fit together, before anything is trained."""
    named = [*study.contrasts, *(endpoint.contrast for endpoint in study.primary)]
    named += [row for factorial in study.factorials.values() for row in factorial]
    if unknown := sorted({arm for arms in named for arm in arms} - set(study.arms)):
        raise ValueError(
            f"study {study.name} compares {', '.join(unknown)}, which it does not train: its arms are "
            f"{', '.join(study.arms)}"
        )
    if strange := sorted({endpoint.task for endpoint in study.primary} - set(study.tasks)):
        raise ValueError(
            f"study {study.name} has endpoints on {', '.join(strange)}: its tasks are {', '.join(study.tasks)}"
        )


def names_of(runs: Sequence[StudyRun]) -> str:
    """List runs by name."""
    return ", ".join(run.name for run in runs)
