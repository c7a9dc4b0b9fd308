"""The plan of a study of pointing: models are asked, and the ways are compared item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from benchmarks.records.archive import read_results
from benchmarks.records.live_runs import trained_runs
from benchmarks.records.manifest import provenance
from benchmarks.region_qa.report import report_page, to_terminal
from benchmarks.region_qa.study import AnswerStudy, Endpoint, TaskResult
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build
from region4d.studies.examples import draw_examples
from region4d.studies.job import composed
from region4d.studies.plan import Plan
from region4d.studies.region_prompting.runs import PromptingRun, PromptingRuns
from region4d.terminal import CONSOLE


class RegionPromptingPlan(Plan[PromptingRun, AnswerStudy]):
    """Every model in every way is a job."""

    @cached_property
    def runs(self) -> PromptingRuns:
        """The runs of the study."""
        return PromptingRuns(self.config, self.archived)

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The benchmarks of the study, by name."""
        study = self.config.study
        configs = [composed("bench", (f"task={option}", *study.bench_overrides)).task for option in study.tasks]
        return {task.name: task for task in map(build, configs)}

    def jobs(self) -> Sequence[PromptingRun]:
        """Name all runs; none depends on another."""
        runs = self.runs.every()
        for run in runs:
            run.refuse_other_answers()
        return runs

    def prepare(self, jobs: Sequence[PromptingRun]) -> None:
        """Make what the tasks ask about, such as worlds; say which ways are left out."""
        for line in self.runs.refusals():
            CONSOLE.print(f"left out: {line}")
        for task in self.tasks.values():
            task.items()

    def gather(self, command: str) -> AnswerStudy:
        """Read the answers of the finished runs, live or from the archive.

        Raises:
            ValueError: no run is finished.
        """
        study, folder, runs = self.config.study, Path(self.config.runs), self.runs.every()
        finished = [run.name for run in runs if run.finished]
        if not finished:
            names = ", ".join(run.name for run in runs)
            raise ValueError(f"no run of study {study.name} is finished: {folder} holds none of {names}")
        results = read_results(folder).updated(*trained_runs(folder))
        measured = {(run, task): results.measured(run, task) for run in finished for task in self.tasks}
        answers = [
            TaskResult(name, task.about, [r for run in finished for r in measured[run, name][1]], task.pace)
            for name, task in self.tasks.items()
        ]
        clips = len({record.cluster for record in answers[0].records})
        ways = "; ".join(f"{name} by {', '.join(ways)}" for name, ways in self.runs.arms.items())
        return AnswerStudy(
            title=study.title,
            summary=f"The same questions about {clips} clips, regions shown by: {ways}. {study.caution}".strip(),
            manifest=replace(provenance([manifest for manifest, _ in measured.values()]), config={"command": command}),
            question=study.get("question", ""),
            legend={arm: words for arm, words in study.get("legend", {}).items() if arm in finished},
            missing=[run.name for run in runs if not run.finished],
            tasks=answers,
            contrasts=[pair for pair in self.runs.contrasts if set(pair) <= set(finished)],
            primary=[Endpoint(e.task, e.category, tuple(e.contrast)) for e in study.primary],
            examples=draw_examples(
                answers[0].records, self.tasks[answers[0].name].items(), self.config.examples, folder
            ),
        )

    def report(self, study: AnswerStudy) -> None:
        """Write the report and print its main table."""
        page = replace(report_page(study), figure="")  # that of the first task stands in its section
        page.write(Path(self.config.output))
        CONSOLE.print(to_terminal(study))
