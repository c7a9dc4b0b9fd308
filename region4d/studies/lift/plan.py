"""The plan of a lifting study: models are trained, methods measured on test sets, timed, drawn and reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path

from benchmarks.lifting.baselines import BASELINES
from benchmarks.lifting.measure import method_identity, prepare_truths, records_path
from benchmarks.lifting.report.page import report_page
from benchmarks.lifting.report.sections import overview
from benchmarks.lifting.study import LiftStudy
from region4d.studies.job import Job, VerbStep, composed
from region4d.studies.lift.gather import SPEEDS, gather_lifts, run_name
from region4d.studies.lift.library import keep_library
from region4d.studies.lift.methods import LiftMethods
from region4d.studies.lift.steps import Drawing, LiftStep, Measurement, Timing, scoring_pool
from region4d.studies.plan import Plan
from region4d.terminal import CONSOLE

LAST = "speed-and-sheets"  # the job that runs alone after the measurements


class LiftStudyPlan(Plan[Job, LiftStudy]):
    """Every chain of trainings, and every method on every test set, is a job; speed and contact sheets follow."""

    @property
    def lifts(self) -> LiftMethods:
        """The test sets and methods; a method becomes available when its model is trained."""
        return LiftMethods.of(self.config)

    @cached_property
    def trainings(self) -> list[Job]:
        """The chains of trainings; each training is a list of overrides of `region4d train`."""
        return [self._chain(name, trainings) for name, trainings in self.config.study.trainings.items()]

    def _chain(self, name: str, trainings: Sequence[Sequence[str]]) -> Job:
        steps = []
        for number, words in enumerate(trainings, 1):
            overrides = (*words, "trainer.enable_progress_bar=false")
            model = Path(composed("train", overrides).output) / "model"
            steps.append(VerbStep(f"training {number} of {len(trainings)}", "train", overrides, model))
        lifts, models = self.lifts, {step.done for step in steps}
        runs = [
            run_name(method, test.name)
            for method, each in lifts.models.items()
            for test in lifts.tests
            if each.checkpoint in models
        ]
        return Job(name, self.logs / name, steps, archived=bool(runs) and self.archived.issuperset(runs))

    def unavailable(self) -> list[str]:
        """Name the methods whose checkpoint does not exist, and is not trained by the study."""
        lifts = self.lifts
        trained = {step.done for job in self.trainings for step in job.steps if isinstance(step, VerbStep)}
        return [
            f"{name}: {reason}"
            for name, reason in lifts.unavailable.items()
            if lifts.models[name].checkpoint not in trained
        ]

    @property
    def measurements(self) -> list[Job]:
        """The jobs that measure what is available, test set by test set."""
        methods, runs = self.lifts, Path(self.config.runs)
        identity = cache(methods.identity)  # hashes a checkpoint
        jobs = []
        for test in methods.tests:
            for method in methods.names:
                name = run_name(method, test.name)
                path = records_path(runs, test.name, method)
                known = method_identity(test, identity(method))
                step = Measurement(self.config, path, (method,), test.name, known)
                jobs.append(Job(name, self.logs / name, (step,), archived=name in self.archived))
        return jobs

    @property
    def logs(self) -> Path:
        """The folder of the jobs' logs."""
        return Path(self.config.runs) / "logs"

    def jobs(self) -> Sequence[Job]:
        """List trainings and measurements; once they are finished, also the job of speed and sheets."""
        jobs = [*self.trainings, *self.measurements]
        if not all(job.finished for job in jobs):
            return jobs
        steps = (*self._timing(), *self._drawings())
        return [*jobs, *([Job(LAST, self.logs / LAST, steps)] if steps else [])]

    def _timing(self) -> Iterator[Timing]:
        methods = self.lifts
        if arms := tuple(
            name for name in self.config.study.speed.arms if name in methods.names and name in methods.arms
        ):
            yield Timing(self.config, Path(self.config.runs) / SPEEDS, arms)

    def _drawings(self) -> Iterator[Drawing]:
        methods = tuple(name for name in self.config.study.sheet.methods if name in self.lifts.names)
        for test in self.lifts.tests if methods else ():
            yield Drawing(self.config, Path(self.config.output) / f"{test.name}.png", methods, test.name)

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Render the test sets, mesh their true objects and measure the library of baselines, if a job needs them."""
        steps = [step for job in jobs for step in job.steps if isinstance(step, LiftStep)]
        if not steps:
            return
        lifts = self.lifts
        with scoring_pool(self.config.workers) as pool:
            for test in lifts.tests:
                prepare_truths(test, pool, self.config.workers)
        if any(method in BASELINES for step in steps for method in step.methods):
            keep_library(lifts.library_store, self.config.workers)

    def gather(self, command: str) -> LiftStudy:
        """Read the records of what is measured."""
        return gather_lifts(self.lifts, command)

    def report(self, study: LiftStudy) -> None:
        """Write the report, and print an overview of every test set."""
        report_page(study).write(Path(self.config.output))
        for test in study.tests:
            for table in overview(study, test).tables:
                CONSOLE.print(table.markdown())
