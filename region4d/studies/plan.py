"""The plan of a study: list its jobs, run the unfinished ones, and report the finished ones."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from omegaconf import DictConfig

from benchmarks.records.archive import archived_runs
from region4d.configuration.compose import compose_config
from region4d.studies.job import Job
from region4d.studies.runner import run_all

KINDS = {  # studies/KIND/plan.py has the class
    "compare": "ComparePlan",
    "probe": "ProbePlan",
    "lift": "LiftStudyPlan",
    "region_prompting": "RegionPromptingPlan",
}
JobKind = TypeVar("JobKind", bound=Job)
Gathered = TypeVar("Gathered")  # a study as data


class Plan(ABC, Generic[JobKind, Gathered]):
    """The jobs of a study and its report; each kind of study has one subclass."""

    def __init__(self, config: DictConfig) -> None:
        self.config = config

    @abstractmethod
    def jobs(self) -> Sequence[JobKind]:
        """List the jobs that can run now; others may follow once these are finished.

        Raises:
            ValueError: the study uses a name that it does not define, or a folder holds a run of another configuration.
        """

    @abstractmethod
    def prepare(self, jobs: Sequence[JobKind]) -> None:
        """Make the inputs that unfinished jobs share, before they run in parallel."""

    @abstractmethod
    def gather(self, command: str) -> Gathered:
        """Read the results of the finished jobs.

        Raises:
            ValueError: no job is finished.
        """

    @abstractmethod
    def report(self, study: Gathered) -> None:
        """Write the report, and print its main table."""

    def view(self, port: int) -> None:
        """Show results in a browser until Ctrl-C.

        Raises:
            ValueError: this kind of study has nothing to show.
        """
        raise ValueError(f"study {self.config.study.name} has nothing to show in a browser; leave view={port} out")

    def explain(self) -> None:
        """Print what the study needs, before it runs.

        Raises:
            ValueError: this kind of study makes no such estimate.
        """
        raise ValueError(f"study {self.config.study.name} makes no estimate of its cost; leave plan_only=true out")

    def unavailable(self) -> list[str]:
        """List the parts of the study that cannot run here, with the reason, one line each."""
        return []

    @cached_property
    def archived(self) -> frozenset[str]:
        """The runs in the archive of the study's folder of runs."""
        return archived_runs(Path(self.config.runs))


def load_plan(kind: str, overrides: Sequence[str]) -> Plan[Any, Any]:
    """Compose the configuration of a study, and make its plan."""
    module = importlib.import_module(f"region4d.studies.{kind}.plan")  # slow: only what the kind needs
    plan: Plan[Any, Any] = getattr(module, KINDS[kind])(compose_config(kind, overrides))
    return plan


def run_plan(plan: Plan[Any, Any]) -> list[str]:
    """Run the unfinished jobs, then those that depend on them; return the failures, one line each."""
    failures, tried = [] if plan.config.run else plan.unavailable(), set[str]()
    while jobs := [job for job in chosen_jobs(plan) if job.name not in tried]:
        if waiting := [job for job in jobs if not job.finished]:
            plan.prepare(waiting)
        failures += run_all(waiting, plan.config.workers)
        tried |= {job.name for job in jobs}
    return failures


def chosen_jobs(plan: Plan[Any, Any]) -> list[Job]:
    """List the jobs of a plan, or the one that `run` chooses.

    Raises:
        ValueError: `run` names no job.
    """
    jobs, name = list(plan.jobs()), plan.config.run
    chosen = [job for job in jobs if name in (None, job.name)]
    if not chosen and name is not None:
        raise ValueError(
            f"study {plan.config.study.name} has no run {name}: there are {', '.join(job.name for job in jobs)}"
        )
    return chosen
