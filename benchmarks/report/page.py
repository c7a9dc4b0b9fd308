"""A report as a page: HTML with everything inside, and Markdown for a repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.records.manifest import Manifest
from benchmarks.report.study import Study
from benchmarks.report.table import Table, table_blocks, tables_markdown
from scenes.storage.atomic import write_text

FIGURE = "figure.svg"


@dataclass(frozen=True)
class Section:
    """A part of the report: heading, text, tables, and figures as SVG text (in the HTML alone)."""

    title: str
    text: str
    tables: Sequence[Table] = ()
    figures: Sequence[str] = ()

    @property
    def blocks(self) -> list[tuple[str, list[Table]]]:
        """The tables, split to the width of a screen, by the title under which they are folded away."""
        return table_blocks(self.tables)

    def markdown(self) -> str:
        """Render heading, text and tables."""
        return "\n\n".join(filter(None, [f"## {self.title}", self.text, tables_markdown(self.tables)]))


@dataclass(frozen=True)
class Page:
    """The contents of a report, in the order in which a reader meets them.

    Args:
        study: title, question, summary, legend and provenance.
        finding: answer to the question in a sentence, computed from the records.
        method: how the numbers were computed.
        sections: tables and figures.
        figure: SVG text of the one figure that is committed with the report.
        curves: learning curves, as SVG text (in the HTML alone).
        examples: questions with their pictures (in the HTML alone).
    """

    study: Study
    finding: str
    method: str
    sections: Sequence[Section]
    figure: str = ""
    curves: str = ""
    examples: Sequence[Any] = ()

    def html(self) -> str:
        """Render HTML that loads nothing from anywhere."""
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
        )
        return templates.get_template("report.html.j2").render(
            page=self,
            study=self.study,
            method=self.method.replace("*", ""),
            provenance=provenance_lines(self.study.manifest),
        )

    def markdown(self) -> str:
        """Render the tables for a repository."""
        study = self.study
        legend = "\n".join(f"- **{arm}**: {words}" for arm, words in study.legend.items())
        parts = [
            f"# {study.title}",
            study.question and f"**Question.** {study.question}",
            self.finding and f"**Finding.** {self.finding}",
            study.summary,
            f"Unfinished: {', '.join(study.missing)}." if study.missing else "",
            legend and f"## Legend\n\n{legend}",
            self.figure and f"![{study.title}]({FIGURE})",
            *(section.markdown() for section in self.sections),
            self.method,
            provenance_markdown(study.manifest),
        ]
        return "\n\n".join(filter(None, parts)) + "\n"

    def write(self, folder: Path) -> None:
        """Write `report.html`, `report.md`, and the figure."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "report.html", self.html())
        write_text(folder / "report.md", self.markdown())
        if self.figure:
            write_text(folder / FIGURE, self.figure)


def provenance_lines(manifest: Manifest) -> list[tuple[str, str]]:
    """List what a reader needs to reproduce the numbers."""
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    command = str(manifest.config.get("command", ""))
    pairs = [("command", command), ("commit", manifest.commit), ("machine", manifest.machine), ("versions", versions)]
    return [*((key, value) for key, value in pairs if value), ("measured", manifest.time)]


def provenance_markdown(manifest: Manifest) -> str:
    """Write the provenance as a Markdown list."""
    return "\n".join(f"- {key}: {value}" for key, value in provenance_lines(manifest))
