"""The report of a study: one HTML file with everything inside, a Markdown table, a terminal table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.markup import escape
from rich.table import Table

from benchmarks.manifest import Manifest
from benchmarks.plots import category_bars, difference_forest, learning_curves
from benchmarks.records import Record, write_at_once
from benchmarks.study_table import Row, arms_of, numeric_errors, score_rows

METHOD = (
    "Accuracy: the right letter, or a number within a ratio of 1.25 of the exact truth; what does not parse is wrong. "
    "Intervals: 95 %, percentile bootstrap over clips (and over training seeds where there are several), paired for "
    "differences; bold differences exclude 0. The constant is the best single answer, chosen on the test items."
)


@dataclass(frozen=True)
class Example:
    """A question shown with its frames: a picture as a data address, and what every arm answered."""

    picture: str
    question: str
    answer: str
    predictions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Study:
    """What a report is made from: records and what made them; never a model."""

    title: str
    records: Sequence[Record]
    contrasts: Sequence[tuple[str, str]]
    manifest: Manifest
    summary: str
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    examples: Sequence[Example] = ()
    missing: Sequence[str] = ()

    @property
    def rows(self) -> list[Row]:
        """The table of the study."""
        return score_rows(self.records, self.contrasts)

    @property
    def contrast_names(self) -> list[str]:
        """Name the differences."""
        return [f"{a} - {b}" for a, b in self.contrasts]


def write_report(study: Study, folder: Path) -> None:
    """Write `report.html` and `report.md`."""
    write_at_once(folder / "report.html", to_html(study))
    write_at_once(folder / "report.md", to_markdown(study))


def to_html(study: Study) -> str:
    """Render the HTML report; it loads nothing from anywhere."""
    rows = study.rows
    arms, categories = arms_of(study.records), [row.category for row in rows]
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )
    return templates.get_template("report.html.j2").render(
        title=study.title,
        summary=study.summary,
        missing=study.missing,
        method=METHOD,
        arms=arms,
        contrasts=study.contrast_names,
        rows=[
            {
                "category": row.category,
                "count": row.items,
                "constant": f"{row.constant:.3f}",
                "scores": [score.text() for score in row.scores],
                "differences": [{"text": d.text(), "clear": d.estimate.excludes_zero} for d in row.differences],
            }
            for row in rows
        ],
        bars=category_bars(
            categories,
            {arm: [row.scores[k].estimate for row in rows] for k, arm in enumerate(arms)},
            [row.constant for row in rows],
        ),
        forest=difference_forest(
            categories,
            {name: [row.differences[k].estimate for row in rows] for k, name in enumerate(study.contrast_names)},
        ),
        errors=[
            {
                "category": e.category,
                "arm": e.arm,
                "median": "" if isnan(e.median_relative) else f"{e.median_relative:.1%}",
                "log": "" if isnan(e.mean_log) else f"{e.mean_log:.3f}",
                "unparsed": f"{e.unparsed:.1%}",
            }
            for e in numeric_errors(study.records)
        ],
        curves=learning_curves(study.curves) if study.curves else "",
        examples=study.examples,
        provenance=provenance(study.manifest),
    )


def to_markdown(study: Study) -> str:
    """Render the table for a repository."""
    head = ["category", "items", "constant", *arms_of(study.records), *(f"{n} [95 %]" for n in study.contrast_names)]
    lines = [f"# {study.title}", "", study.summary, "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in study.rows:
        differences = (f"**{d.text()}**" if d.estimate.excludes_zero else d.text() for d in row.differences)
        cells = [row.category, str(row.items), f"{row.constant:.3f}", *(s.text() for s in row.scores), *differences]
        lines.append("| " + " | ".join(cells) + " |")
    if study.missing:
        lines += ["", "Unfinished: " + ", ".join(study.missing) + "."]
    lines += ["", METHOD, "", *(f"- {key}: {value}" for key, value in provenance(study.manifest))]
    return "\n".join(lines) + "\n"


def to_terminal(study: Study) -> Table:
    """Lay the table out for a terminal."""
    table = Table(title=study.title, caption="95 % intervals; * excludes 0", title_justify="left")
    for name in ("category", "items", *arms_of(study.records), *study.contrast_names):
        table.add_column(name, justify="left" if name == "category" else "right", no_wrap=True)
    for row in study.rows:
        scores = (f"{score.estimate.mean:.3f}" for score in row.scores)
        differences = (escape(d.text()) + ("*" if d.estimate.excludes_zero else " ") for d in row.differences)
        table.add_row(row.category, str(row.items), *scores, *differences)
    return table


def provenance(manifest: Manifest) -> list[tuple[str, str]]:
    """List what a reader needs to make the numbers again."""
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    command = str(manifest.config.get("command", ""))
    pairs = [("command", command), ("commit", manifest.commit), ("machine", manifest.machine), ("versions", versions)]
    return [*((key, value) for key, value in pairs if value), ("made", manifest.time)]
