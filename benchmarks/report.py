"""The report of a study: one HTML file with everything inside, Markdown for a repository, a terminal table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.manifest import Manifest
from benchmarks.plots import learning_curves
from benchmarks.records import write_at_once
from benchmarks.sections import Section, all_sections
from benchmarks.study import Study
from benchmarks.study_table import arms_of

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
    folder.mkdir(parents=True, exist_ok=True)
    sections = all_sections(study)
    write_at_once(folder / "report.html", to_html(study, sections))
    write_at_once(folder / "report.md", to_markdown(study, sections))
    write_at_once(folder / "accuracy.svg", next(s for s in sections if s.title.startswith("Accuracy")).figures[0])


def to_html(study: Study, sections: Sequence[Section] | None = None) -> str:
    """Render the HTML report; it loads nothing from anywhere."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )
    return templates.get_template("report.html.j2").render(
        title=study.title,
        summary=study.summary,
        missing=study.missing,
        method=METHOD.replace("*", ""),
        sections=all_sections(study) if sections is None else sections,
        curves=learning_curves(study.curves) if study.curves else "",
        examples=study.examples,
        provenance=provenance(study.manifest),
    )


def to_markdown(study: Study, sections: Sequence[Section] | None = None) -> str:
    """Render the tables for a repository."""
    lines = [f"# {study.title}", "", study.summary]
    if study.missing:
        lines += ["", "Unfinished: " + ", ".join(study.missing) + "."]
    for section in all_sections(study) if sections is None else sections:
        lines += ["", f"## {section.title}", *(["", section.text] if section.text else [])]
        for table in section.tables:
            lines += ["", table.markdown()]
    lines += ["", METHOD, "", *(f"- {key}: {value}" for key, value in provenance(study.manifest))]
    return "\n".join(lines) + "\n"


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


def provenance(manifest: Manifest) -> list[tuple[str, str]]:
    """List what a reader needs to make the numbers again."""
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    command = str(manifest.config.get("command", ""))
    pairs = [("command", command), ("commit", manifest.commit), ("machine", manifest.machine), ("versions", versions)]
    return [*((key, value) for key, value in pairs if value), ("made", manifest.time)]
