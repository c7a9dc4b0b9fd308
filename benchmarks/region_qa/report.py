"""The report of a study of region questions: a page, and a table for the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.region_qa.scores import arms_of
from benchmarks.region_qa.sections import all_sections
from benchmarks.region_qa.study import Study
from benchmarks.report.page import Page
from benchmarks.report.plots import learning_curves
from scenes.storage.atomic import write_text

METHOD = (
    "Accuracy: the right letter, or a number within a ratio of 1.25 of the exact truth; what does not parse is wrong. "
    "Intervals: 95 %, percentile bootstrap over clips (and over training seeds where there are several), paired for "
    "differences. Bold: primary endpoints whose interval excludes 0, and other differences whose p value, adjusted by "
    "Holm over all others of the same table, is below 0.05. The constant is the best single answer, chosen on the test "
    "items; static and dynamic pool the items of their categories. *No time* is the most that a model without "
    "timestamps can reach, knowing every displacement exactly."
)


def write_report(study: Study, folder: Path) -> None:
    """Write `report.html`, `report.md`, and the figure of the first task for a README, `accuracy.svg`."""
    page = report_page(study)
    page.write(folder)
    write_text(folder / "accuracy.svg", next(s for s in page.sections if s.title.startswith("Accuracy")).figures[0])


def report_page(study: Study) -> Page:
    """Lay out what a study has to say."""
    return Page(
        title=study.title,
        summary=study.summary,
        method=METHOD,
        sections=all_sections(study),
        manifest=study.manifest,
        missing=study.missing,
        curves=learning_curves(study.curves) if study.curves else "",
        examples=study.examples,
    )


def to_terminal(study: Study) -> Table:
    """Lay the table of the first task out for a terminal."""
    task = study.tasks[0]
    table = Table(
        title=f"{study.title} ({task.name})",
        caption="* clear; intervals are in the report",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    names = [f"{a} - {b}" for a, b in study.contrasts_in(task)]
    for name in ("category", *arms_of(task.records), *names):
        table.add_column(name, justify="left" if name == "category" else "right", no_wrap=True)
    for row in study.rows[task.name]:
        means = (f"{score.estimate.mean:.3f}" for score in row.scores)
        differences = ("" if d is None else f"{d.estimate.mean:+.3f}{'*' if d.clear else ' '}" for d in row.differences)
        table.add_row(row.category, *means, *differences)
    return table
