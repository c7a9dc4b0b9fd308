"""The plan of a probe study: probes at every layer and noise level of every model, then controls at chosen sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from benchmarks.probing.report import report_page
from benchmarks.probing.sections import models
from benchmarks.probing.sites import VALIDATION, ProbeSite
from benchmarks.probing.study import ProbeStudy
from benchmarks.records.archive import Results
from probes.clips.clip_sets import ClipSet
from probes.clips.label_table import label_file
from region4d.configuration.compose import build
from region4d.studies.plan import Plan
from region4d.studies.probe.budget import Budget, job_need
from region4d.studies.probe.gather import gather_probes, probe_results, records_of
from region4d.studies.probe.jobs import Cell, ProbeJob, ProbeJobs
from region4d.terminal import CONSOLE

STAGES = (None, "grid", "controls")


def stored_bytes(jobs: Sequence[ProbeJob]) -> int:
    """Count the bytes of features that jobs have stored, those of an extraction that was stopped among them."""
    folders = {Path(job.extraction.config.output) for job in jobs}
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())


class ProbePlan(Plan[ProbeJob, ProbeStudy]):
    """Every model and noise level is a job, and so is every control of a model whose grid is finished."""

    def __init__(self, config: DictConfig) -> None:
        super().__init__(config)
        if config.stage not in STAGES:
            raise ValueError(f"stage={config.stage} is unknown: choose grid or controls, or leave it out for both")

    @cached_property
    def planner(self) -> ProbeJobs:
        """The planner of the jobs."""
        return ProbeJobs(self.config, self.archived)

    @cached_property
    def grid(self) -> list[ProbeJob]:
        """The jobs of the grid."""
        return self.planner.grid()

    def controls(self, chosen: Mapping[str, Cell]) -> list[ProbeJob]:
        """Plan the controls of the models for which a cell is chosen."""
        return self.planner.controls({model: cell.site for model, cell in chosen.items()})

    def jobs(self) -> Sequence[ProbeJob]:
        """Name the jobs of the stage; without one, the grid and the controls that can run already.

        Raises:
            FileNotFoundError: the stage is `controls`, and the grid of no model is finished.
        """
        if self.config.stage == "grid":
            return self.grid
        chosen = self.chosen()
        if self.config.stage is None:
            return [*self.grid, *self.controls(chosen)]
        if not chosen:
            raise FileNotFoundError(f"the grid is not finished ({self.config.runs} has none): run stage=grid first")
        return self.controls(chosen)

    def chosen(self) -> dict[str, Cell]:
        """Choose a cell for every model whose grid is finished."""
        cells: dict[str, list[Cell]] = {}
        for job in self.grid:
            cells.setdefault(job.cells[0].site.model, []).extend(job.cells)
        results = probe_results(self.grid, Path(self.config.runs))
        return {
            model: choose_cell(of_model, self.config.study.select, results)
            for model, of_model in cells.items()
            if all(records_of(cell, VALIDATION, results) for cell in of_model)
        }

    def prepare(self, jobs: Sequence[ProbeJob]) -> None:
        """Render the clips of jobs, and stack their labels where features stay in memory."""
        configs = [job.extraction.config for job in jobs]
        for config in {OmegaConf.to_yaml(config.clips): config for config in configs}.values():
            clips: ClipSet = build(config.clips)
            clips.prepare()
            if self.config.study.in_memory:
                label_file(clips, Path(config.data.labels))
        if not self.config.study.in_memory:
            budget = self.budget(jobs)
            CONSOLE.print(budget.text())
            budget.refuse_if_full(Path(self.config.features), stored_bytes(jobs))

    def budget(self, jobs: Sequence[ProbeJob]) -> Budget:
        """Estimate what jobs need, before they start."""
        kept = bool(self.config.study.keep_features)
        return Budget([job_need(job) for job in jobs], kept, int(self.config.workers), float(self.config.tflops))

    def explain(self) -> None:
        """Print what the unfinished jobs need."""
        jobs = [job for job in self.jobs() if not job.finished]
        budget = self.budget(jobs)
        CONSOLE.print(budget.text())
        budget.refuse_if_full(Path(self.config.features), stored_bytes(jobs))

    def gather(self, command: str) -> ProbeStudy:
        """Read the errors of the finished probes.

        Raises:
            ValueError: no model's grid is finished.
        """
        chosen = self.chosen()
        if not chosen:
            raise ValueError(
                f"no model of study {self.config.study.name} has a finished grid in {self.config.runs}: run it first"
            )
        return gather_probes(self.config, command, [*self.grid, *self.controls(chosen)], chosen)

    def view(self, port: int) -> None:
        """Show predicted and true points of test clips."""
        from region4d.studies.probe.viewer import view_clouds  # viser is optional, and takes seconds to import

        view_clouds(self.chosen(), port)

    def report(self, study: ProbeStudy) -> None:
        """Write the report, and print the table of models."""
        report_page(study).write(Path(self.config.output))
        CONSOLE.print(models(study).tables[0].markdown())


def choose_cell(cells: Sequence[Cell], metric: str, results: Results) -> Cell:
    """Choose the site with the least mean error on validation clips, over all seeds; return its first cell."""
    means: dict[ProbeSite, list[float]] = {}
    for cell in cells:
        errors = [record.metrics[metric] for record in records_of(cell, VALIDATION, results)]
        means.setdefault(cell.site, []).append(sum(errors) / len(errors))
    best = min(means, key=lambda site: sum(means[site]) / len(means[site]))
    return next(cell for cell in cells if cell.site == best)
