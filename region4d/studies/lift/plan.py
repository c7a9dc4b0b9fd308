"""A study of lifting as a plan: methods are measured on the test sets of Lift-Worlds, timed, drawn and reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from benchmarks.lifting.baselines import BASELINES
from benchmarks.lifting.measure import method_identity, prepare_truths, records_path
from benchmarks.lifting.report import report_page
from benchmarks.lifting.sections import overview
from benchmarks.lifting.study import LiftStudy
from region4d.studies.job import Job
from region4d.studies.lift.gather import SPEEDS, gather_lifts
from region4d.studies.lift.library import keep_library
from region4d.studies.lift.methods import LiftPlan
from region4d.studies.lift.steps import Drawing, LiftStep, Measurement, Timing, scoring_pool
from region4d.studies.plan import Plan
from region4d.terminal import CONSOLE

LAST = "speed-and-sheets"  # the job that runs alone, once everything is measured


@dataclass(frozen=True)
class LiftJob(Job):
    """The measurement of a method on a test set, or what follows all of them."""

    steps: Sequence[LiftStep]
    archived: bool = False

    @property
    def finished(self) -> bool:
        """Whether all results exist, live or in an archive."""
        return self.archived or all(step.finished for step in self.steps)


class LiftStudyPlan(Plan[LiftJob, LiftStudy]):
    """Every method on every test set is a job; speed and contact sheets follow."""

    @cached_property
    def lifts(self) -> LiftPlan:
        """The test sets and methods."""
        return LiftPlan.of(self.config)

    def unavailable(self) -> list[str]:
        """Name the methods whose checkpoint does not exist."""
        return [f"{name}: {reason}" for name, reason in self.lifts.unavailable.items()]

    @cached_property
    def measurements(self) -> list[LiftJob]:
        """The jobs that measure, test set by test set."""
        plan, runs = self.lifts, Path(self.config.runs)
        identity = cache(plan.identity)  # hashes a checkpoint
        jobs = []
        for test in plan.tests:
            for method in plan.names:
                name = f"{method}-{test.name}"
                path = records_path(runs, test.name, method)
                known = method_identity(test, identity(method))
                step = Measurement(self.config, path, (method,), test.name, known)
                jobs.append(LiftJob(name, runs / "logs" / name, (step,), name in self.archived))
        return jobs

    def jobs(self) -> Sequence[LiftJob]:
        """Name the measurements; once all are there, speed and sheets."""
        if not all(job.finished for job in self.measurements):
            return self.measurements
        last = LiftJob(LAST, Path(self.config.runs) / "logs" / LAST, (*self._timing(), *self._drawings()))
        return [*self.measurements, last] if last.steps else self.measurements

    def _timing(self) -> Iterator[Timing]:
        plan = self.lifts
        if arms := tuple(name for name in self.config.study.speed.arms if name in plan.names and name in plan.arms):
            yield Timing(self.config, Path(self.config.runs) / SPEEDS, arms)

    def _drawings(self) -> Iterator[Drawing]:
        methods = tuple(name for name in self.config.study.sheet.methods if name in self.lifts.names)
        for test in self.lifts.tests if methods else ():
            yield Drawing(self.config, Path(self.config.output) / f"{test.name}.png", methods, test.name)

    def prepare(self, jobs: Sequence[LiftJob]) -> None:
        """Render the test sets, mesh their true objects, and measure the library of the baselines where one runs."""
        with scoring_pool(self.config.workers) as pool:
            for test in self.lifts.tests:
                prepare_truths(test, pool, self.config.workers)
        if any(method in BASELINES for job in jobs for step in job.steps for method in step.methods):
            keep_library(self.lifts.library_store, self.config.workers)

    def gather(self, command: str) -> LiftStudy:
        """Read the records of what is measured."""
        return gather_lifts(self.lifts, command)

    def report(self, study: LiftStudy) -> None:
        """Write the report, and print an overview of every test set."""
        report_page(study).write(Path(self.config.output))
        for test in study.tests:
            for table in overview(study, test).tables:
                CONSOLE.print(table.markdown())
