"""The runs of a comparison: for every arm and seed a training, its benchmarks and its linear probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from benchmarks.records.manifest import MANIFEST
from region4d.studies.job import Job, VerbStep, composed


@dataclass(frozen=True)
class StudyRun(Job):
    """One arm with one seed: a training, then the steps that measure the model."""

    steps: Sequence[VerbStep]
    arm: str
    seed: int

    @property
    def config(self) -> DictConfig:
        """The configuration of the training."""
        return self.steps[0].config

    @property
    def finished(self) -> bool:
        """Whether all results exist, live or in the archive; the model need not exist any more."""
        return self.archived or all(step.finished for step in self.steps[1:])


def plan_runs(config: DictConfig, archived: frozenset[str] = frozenset()) -> list[StudyRun]:
    """Plan all runs of a study, seed by seed.

    Raises:
        ValueError: `arms`, a contrast or an endpoint names an arm or a task that the study does not have.
    """
    study = config.study
    names = {option: str(task_config(study, option).name) for option in study.tasks}
    check_names(study, list(names.values()))
    arms = config.arms or list(study.arms)
    if unknown := sorted(set(arms) - set(study.arms)):
        raise ValueError(f"study {study.name} has no arm {', '.join(unknown)}: choose among {', '.join(study.arms)}")
    return [plan_run(config, arm, seed, names, archived) for seed in study.seeds for arm in arms]


def plan_run(
    config: DictConfig, arm: str, seed: int, names: dict[str, str], archived: frozenset[str] = frozenset()
) -> StudyRun:
    """Plan one arm with one seed; `names` maps the options of configs/task to the names of their tasks."""
    study, name = config.study, f"{arm}-seed{seed}"
    folder = Path(config.runs) / name
    model, probes = folder / "model", folder / "probes.json"
    training = [f"experiment={study.experiment}", f"seed={seed}", f"output={folder}"]
    training += ["trainer.enable_progress_bar=false", *study.arms[arm], *study.overrides]
    steps = [VerbStep("training", "train", tuple(training), model)]
    if study.counterfactuals:
        names = {**names, study.counterfactuals: str(task_config(study, study.counterfactuals).name)}
    for option, task in names.items():
        records = folder / "records" / task
        scoring = [f"model.folder={model}", f"task={option}", f"label={arm}", f"seed={seed}", f"output={records}"]
        scoring += study.bench_overrides
        steps.append(VerbStep(f"scoring {task}", "bench", tuple(scoring), records / MANIFEST))
    if study.probes:
        probing = (f"checkpoint={model}", f"output={probes}", f"label={arm}", f"seed={seed}")
        steps.append(VerbStep("probing", "linear_probe", probing, probes))
    return StudyRun(name, folder, tuple(steps), arm, seed, archived=name in archived)


def task_config(study: DictConfig, option: str) -> DictConfig:
    """Compose a benchmark of the study from its option in configs/task."""
    task: DictConfig = composed("bench", (f"task={option}", *study.bench_overrides)).task
    return task


def check_names(study: DictConfig, tasks: Sequence[str]) -> None:
    """Refuse a study whose contrasts and endpoints name arms or tasks that it does not have."""
    named = [*study.contrasts, *(endpoint.contrast for endpoint in study.primary)]
    named += [row for factorial in study.factorials.values() for row in factorial]
    named += [contrast for pair in study.recovered for contrast in pair]
    if unknown := sorted({arm for arms in named for arm in arms} - set(study.arms)):
        raise ValueError(
            f"study {study.name} compares {', '.join(unknown)}, which it does not train: its arms are "
            f"{', '.join(study.arms)}"
        )
    if strange := sorted({endpoint.task for endpoint in study.primary} - set(tasks)):
        raise ValueError(f"study {study.name} has endpoints on {', '.join(strange)}: its tasks are {', '.join(tasks)}")
