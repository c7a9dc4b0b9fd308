"""The report of a study of region questions: a page, and a table for the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.comparison.cell import point
from benchmarks.region_qa.scores import arms_of
from benchmarks.region_qa.sections import accuracy_bars, all_sections, finding
from benchmarks.region_qa.study import AnswerStudy
from benchmarks.report.page import Page
from benchmarks.report.plots import learning_curves

METHOD = (
    "Accuracy: the right letter, or a number within a ratio of 1.25 of the exact truth; an answer that does not parse "
    "is wrong. Intervals: 95 %, percentile bootstrap over clips (and over training seeds where there are several), "
    "paired for differences. Bold: primary endpoints whose interval excludes 0, and other differences whose p value, "
    "adjusted by Holm over all others of the same task, is below 0.05. The constant is the best single answer, chosen "
    "on the test items; static and dynamic pool the items of their categories. *No time* bounds a model without "
    "timestamps that knows every displacement exactly. *Published as* names the nearest task of SR-3D-Bench or "
    "R4D-Bench."
)


def report_page(study: AnswerStudy) -> Page:
    """Lay out a study."""
    return Page(
        study,
        finding(study),
        METHOD,
        all_sections(study),
        figure=accuracy_bars(study, study.tasks[0]),
        curves=learning_curves(study.curves) if study.curves else "",
        examples=study.examples,
    )


def to_terminal(study: AnswerStudy) -> Table:
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
        marks = ("*" if k in row.clear else " " for k in range(len(names)))
        differences = (
            point(d, signed=True) + mark if d else "" for d, mark in zip(row.differences, marks, strict=True)
        )
        table.add_row(row.category, *map(point, row.scores), *differences)
    return table
