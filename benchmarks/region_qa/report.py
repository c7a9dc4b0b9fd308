"""The report of a study of region questions: a page, and a table for the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table

from benchmarks.comparison.cell import point
from benchmarks.region_qa.scores import arms_of
from benchmarks.region_qa.sections import all_sections, finding, headline_figure
from benchmarks.region_qa.study import AnswerStudy
from benchmarks.report.page import Page
from benchmarks.report.plots import learning_curves

TERMINAL_COLUMNS = 7  # beside the category: 80 characters
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
        figure=headline_figure(study),
        curves=learning_curves(study.curves) if study.curves else "",
        examples=study.examples,
    )


def to_terminal(study: AnswerStudy) -> Group:
    """Lay the table of the first task out for a terminal; many arms take several tables, one below the other."""
    task = study.tasks[0]
    contrasts = [f"{a} - {b}" for a, b in study.contrasts_in(task)]
    rows = {
        row.category: [
            *map(point, row.scores),
            *(
                point(difference, signed=True) + ("*" if k in row.clear else " ") if difference else ""
                for k, difference in enumerate(row.differences)
            ),
        ]
        for row in study.rows[task.name]
    }
    columns = list(enumerate([*arms_of(task.records), *contrasts]))
    parts = [columns[k : k + TERMINAL_COLUMNS] for k in range(0, len(columns), TERMINAL_COLUMNS)]
    tables = []
    for part in parts:
        table = Table(
            title=f"{study.title} ({task.name})" if part is parts[0] else None,
            caption="* clear; intervals are in the report" if part is parts[-1] else None,
            title_justify="left",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        table.add_column("category", no_wrap=True)
        for _, name in part:
            table.add_column(name, justify="right", overflow="fold", min_width=7)
        for category, cells in rows.items():
            table.add_row(category, *(cells[place] for place, _ in part))
        tables.append(table)
    return Group(*tables)
