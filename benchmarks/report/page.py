"""A report as a page: HTML with everything inside, and Markdown for a repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.records.manifest import Manifest
from benchmarks.report.table import Table
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
        """Group the tables, split to the width of a screen, by the title under which they are folded away."""
        parts = [part for table in self.tables for part in table.split()]
        return [(title, list(group)) for title, group in groupby(parts, lambda table: table.details)]


@dataclass(frozen=True)
class Page:
    """The contents of a report, in the order in which a reader meets them.

    Args:
        title: Of the study.
        summary: What was done, in a few words.
        method: How the numbers were computed.
        sections: Tables and figures.
        manifest: Provenance.
        missing: What is not finished.
        question: What the study asks, in a sentence.
        finding: Its answer, in a sentence, computed from the records.
        legend: Every arm in words.
        figure: SVG text of the one figure that stands beside the report in a repository.
        curves: Learning curves, as SVG text (in the HTML alone).
        examples: Questions with their pictures (in the HTML alone).
    """

    title: str
    summary: str
    method: str
    sections: Sequence[Section]
    manifest: Manifest
    missing: Sequence[str] = ()
    question: str = ""
    finding: str = ""
    legend: Mapping[str, str] = field(default_factory=dict)
    figure: str = ""
    curves: str = ""
    examples: Sequence[Any] = ()

    def html(self) -> str:
        """Render HTML that loads nothing from anywhere."""
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
        )
        return templates.get_template("report.html.j2").render(
            page=self, method=self.method.replace("*", ""), provenance=provenance_lines(self.manifest)
        )

    def markdown(self) -> str:
        """Render the tables for a repository."""
        lines = [f"# {self.title}"]
        lines += ["", f"**Question.** {self.question}"] if self.question else []
        lines += ["", f"**Finding.** {self.finding}"] if self.finding else []
        lines += ["", self.summary]
        if self.missing:
            lines += ["", "Unfinished: " + ", ".join(self.missing) + "."]
        if self.legend:
            lines += ["", "## Legend", "", *(f"- **{arm}**: {words}" for arm, words in self.legend.items())]
        if self.figure:
            lines += ["", f"![{self.title}]({FIGURE})"]
        for section in self.sections:
            lines += ["", f"## {section.title}", *(["", section.text] if section.text else [])]
            for details, tables in section.blocks:
                lines += ["", f"<details><summary>{details}</summary>"] if details else []
                for table in tables:
                    lines += ["", table.markdown()]
                lines += ["", "</details>"] if details else []
        lines += ["", self.method, "", *(f"- {key}: {value}" for key, value in provenance_lines(self.manifest))]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write `report.html`, `report.md`, and the figure."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "report.html", self.html())
        write_text(folder / "report.md", self.markdown())
        if self.figure:
            write_text(folder / FIGURE, self.figure)


def provenance_lines(manifest: Manifest) -> list[tuple[str, str]]:
    """List what a reader needs to make the numbers again."""
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    command = str(manifest.config.get("command", ""))
    pairs = [("command", command), ("commit", manifest.commit), ("machine", manifest.machine), ("versions", versions)]
    return [*((key, value) for key, value in pairs if value), ("measured", manifest.time)]
