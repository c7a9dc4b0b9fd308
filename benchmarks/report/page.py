"""A report as a page: HTML with everything inside, and Markdown for a repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.records.manifest import Manifest
from scenes.storage.atomic import write_text


@dataclass(frozen=True)
class Table:
    """A table as text; `bold` marks cells by (row, column)."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    bold: frozenset[tuple[int, int]] = frozenset()

    def markdown(self) -> str:
        """Write it for a repository."""
        lines = ["| " + " | ".join(self.head) + " |", "|" + " --- |" * len(self.head)]
        for i, row in enumerate(self.rows):
            cells = (f"**{cell}**" if (i, j) in self.bold else cell for j, cell in enumerate(row))
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)


@dataclass(frozen=True)
class Section:
    """A part of the report: a heading, what it says, tables, and figures as SVG text (in HTML alone)."""

    title: str
    text: str
    tables: Sequence[Table] = ()
    figures: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """What a report says. `curves` (SVG) and `examples` are in the HTML alone."""

    title: str
    summary: str
    method: str
    sections: Sequence[Section]
    manifest: Manifest
    missing: Sequence[str] = ()
    curves: str = ""
    examples: Sequence[Any] = ()

    def html(self) -> str:
        """Render HTML that loads nothing from anywhere."""
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
        )
        return templates.get_template("report.html.j2").render(
            title=self.title,
            summary=self.summary,
            missing=self.missing,
            method=self.method.replace("*", ""),
            sections=self.sections,
            curves=self.curves,
            examples=self.examples,
            provenance=provenance(self.manifest),
        )

    def markdown(self) -> str:
        """Render the tables for a repository."""
        lines = [f"# {self.title}", "", self.summary]
        if self.missing:
            lines += ["", "Unfinished: " + ", ".join(self.missing) + "."]
        for section in self.sections:
            lines += ["", f"## {section.title}", *(["", section.text] if section.text else [])]
            for table in section.tables:
                lines += ["", table.markdown()]
        lines += ["", self.method, "", *(f"- {key}: {value}" for key, value in provenance(self.manifest))]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write `report.html` and `report.md`."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "report.html", self.html())
        write_text(folder / "report.md", self.markdown())


def provenance(manifest: Manifest) -> list[tuple[str, str]]:
    """List what a reader needs to make the numbers again."""
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    command = str(manifest.config.get("command", ""))
    pairs = [("command", command), ("commit", manifest.commit), ("machine", manifest.machine), ("versions", versions)]
    return [*((key, value) for key, value in pairs if value), ("made", manifest.time)]
