"""The one machine of all studies: a plan names its jobs, runs what is not finished, and reports what is."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from omegaconf import DictConfig

from benchmarks.records.archive import archived_runs
from region4d.config import compose_config
from region4d.studies.job import Job
from region4d.studies.runner import run_all

KINDS = {"compare": "ComparePlan", "probe": "ProbePlan", "lift": "LiftStudyPlan"}  # studies/KIND/plan.py has the class
JobKind = TypeVar("JobKind", bound=Job)
Gathered = TypeVar("Gathered")  # a study as data


class Plan(ABC, Generic[JobKind, Gathered]):
    """What a study computes, and how it reports its results. Each kind of study has one subclass."""

    def __init__(self, config: DictConfig) -> None:
        self.config = config

    @abstractmethod
    def jobs(self) -> Sequence[JobKind]:
        """Name the jobs that can run now; others may follow once these are finished.

        Raises:
            ValueError: the study names what it does not have, or a folder holds a run of another configuration.
        """

    @abstractmethod
    def prepare(self, jobs: Sequence[JobKind]) -> None:
        """Make what unfinished jobs share, once, before they run side by side."""

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

    def unavailable(self) -> list[str]:
        """Say which parts of the study cannot run here and why, one line each."""
        return []

    @cached_property
    def archived(self) -> frozenset[str]:
        """The runs in the archive of the study's folder of runs."""
        return archived_runs(Path(self.config.runs))


def load_plan(kind: str, overrides: Sequence[str]) -> Plan[Any, Any]:
    """Compose the configuration of a study, and plan it."""
    module = importlib.import_module(f"region4d.studies.{kind}.plan")  # slow: only what the kind needs
    plan: Plan[Any, Any] = getattr(module, KINDS[kind])(compose_config(kind, overrides))
    return plan


def run_plan(plan: Plan[Any, Any]) -> list[str]:
    """Run what is not finished, and what can run once that is; return the failures, one line each."""
    failures, tried = [] if plan.config.run else plan.unavailable(), set[str]()
    while jobs := [job for job in chosen_jobs(plan) if job.name not in tried]:
        if waiting := [job for job in jobs if not job.finished]:
            plan.prepare(waiting)
        failures += run_all(waiting, plan.config.workers)
        tried |= {job.name for job in jobs}
    return failures


def chosen_jobs(plan: Plan[Any, Any]) -> list[Job]:
    """Take the jobs of a plan, or the one that `run` chooses.

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
