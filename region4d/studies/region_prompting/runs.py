"""The runs of a study of pointing: every model on every task, in every way that it can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from benchmarks.records.manifest import MANIFEST, read_manifest
from models.answerers.names import arm_name, check_way, ways_of
from region4d.studies.job import Job, VerbStep, composed


@dataclass(frozen=True)
class PromptingRun(Job):
    """One model, pointed at in one way: a benchmark for every task."""

    steps: Sequence[VerbStep]

    def refuse_other_answers(self) -> None:
        """Refuse to take answers of other settings for those of this run.

        Raises:
            ValueError: its folder holds such answers.
        """
        for step in self.steps:
            if not step.finished:
                continue
            planned: Any = OmegaConf.to_container(step.config, resolve=True)
            made = read_manifest(step.done.parent).config
            if other := [key for key, value in made.items() if planned.get(key) != value]:
                raise ValueError(
                    f"{step.done.parent} holds answers with another {', '.join(other)}: name a new folder with "
                    "runs=..., or remove it"
                )


class PromptingRuns:
    """Plans the runs of a study.

    Raises:
        ValueError: the study names no model or two alike, or a way that does not exist.
    """

    def __init__(self, config: DictConfig, archived: frozenset[str] = frozenset()) -> None:
        self.config, self.study, self.archived = config, config.study, archived
        if not self.study.models:
            raise ValueError(f"study {self.study.name} names no model: give study.models=[FOLDER,...]")
        self.models = {arm_name(folder): str(folder) for folder in self.study.models}
        if len(self.models) < len(self.study.models):
            raise ValueError(f"two models of study {self.study.name} end in the same name: rename a folder")
        for way in self.study.ways:
            check_way("constant:A", way)

    @cached_property
    def arms(self) -> Mapping[str, Sequence[str]]:
        """The ways that every model of the study can take."""
        able = {name: ways_of(folder) for name, folder in self.models.items()}
        return {name: [way for way in self.study.ways if way in able[name]] for name in able}

    def refusals(self) -> list[str]:
        """Say which models cannot take which ways, one line each."""
        said = []
        for name, way in product(self.arms, self.study.ways):
            if way not in self.arms[name]:
                try:
                    check_way(self.models[name], way)
                except ValueError as reason:
                    said.append(f"{name}_{way}: {reason}")
        return said

    @property
    def contrasts(self) -> list[tuple[str, str]]:
        """The first way of every model, minus each of its others."""
        return [(f"{name}_{ways[0]}", f"{name}_{way}") for name, ways in self.arms.items() for way in ways[1:]]

    def every(self) -> list[PromptingRun]:
        """Plan all runs."""
        return [self._run(name, way) for name, ways in self.arms.items() for way in ways]

    def _run(self, name: str, way: str) -> PromptingRun:
        arm = f"{name}_{way}"
        folder = Path(self.config.runs) / arm
        steps = []
        for option in self.study.tasks:
            task = str(composed("bench", (f"task={option}", *self.study.bench_overrides)).task.name)
            records = folder / "records" / task
            words = [f"model.folder='{self.models[name]}'", f"task={option}", f"label='{arm}'", f"pointing={way}"]
            words += [f"output='{records}'", *self.study.bench_overrides]
            steps.append(VerbStep(f"scoring {task}", "bench", tuple(words), records / MANIFEST))
        return PromptingRun(arm, folder, tuple(steps), archived=arm in self.archived)
