"""The plan of a comparison: arms are trained from one initialisation, scored, probed and reported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from benchmarks.region_qa.report import report_page, to_terminal
from benchmarks.region_qa.study import AnswerStudy
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, refuse_other_config
from region4d.studies.compare.gather import gather_study
from region4d.studies.compare.runs import StudyRun, plan_runs, task_config
from region4d.studies.plan import Plan
from region4d.terminal import CONSOLE


class ComparePlan(Plan[StudyRun, AnswerStudy]):
    """Every arm with every seed is a job."""

    @cached_property
    def runs(self) -> list[StudyRun]:
        """All runs of the study."""
        return plan_runs(self.config, self.archived)

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The benchmarks of the study, by name."""
        study = self.config.study
        tasks: list[Task] = [build(task_config(study, option)) for option in study.tasks]
        return {task.name: task for task in tasks}

    def jobs(self) -> Sequence[StudyRun]:
        """Name all runs; none depends on another."""
        for run in self.runs:
            refuse_other_config(run.folder, run.config)
        return self.runs

    def prepare(self, jobs: Sequence[StudyRun]) -> None:
        """Render the worlds of trainings and benchmarks."""
        worlds = {(str(run.config.data.world), str(run.config.data.seeds)): run.config.data for run in jobs}
        for data in worlds.values():
            build(data).store.render()
        study = self.config.study
        changed = [build(task_config(study, study.counterfactuals))] if study.counterfactuals else []
        for task in (*self.tasks.values(), *changed):
            task.items()

    def gather(self, command: str) -> AnswerStudy:
        """Read the answers of the finished runs.

        Raises:
            ValueError: no run is finished.
        """
        return gather_study(self.config, command, self.runs, self.tasks)

    def report(self, study: AnswerStudy) -> None:
        """Write the report and print its main table."""
        report_page(study).write(Path(self.config.output))
        CONSOLE.print(to_terminal(study))
