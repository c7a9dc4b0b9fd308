"""The table of findings on the front page: sentences from a YAML file, effects from the committed reports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HEAD = ("question", "finding", "effect [95 %]", "report")
_EFFECT = re.compile(r"(?P<value>[+-]?\d+(\.\d+)?) (?P<interval>\[[^\]]+\])")


@dataclass(frozen=True)
class Cell:
    """One cell of a report's Markdown table.

    Args:
        report: Path of the report, from the root of the repository.
        section: Title of a second-level heading.
        row: What the row holds in other columns, bold or not.
        column: Heading of the cell's column.
    """

    report: str
    section: str
    row: Mapping[str, str]
    column: str

    def read(self, root: Path) -> str:
        """Read the cell's text, without bold.

        Raises:
            FileNotFoundError: The report does not exist.
            ValueError: No row, or more than one, fits.
        """
        path = root / self.report
        if not path.is_file():
            raise FileNotFoundError(f"a finding cites {self.report}, which does not exist")
        rows = [
            row
            for table in tables(section(path.read_text(), self.section, self.report))
            for row in table
            if self.column in row and all(row.get(key) == value for key, value in self.row.items())
        ]
        if len(rows) != 1:
            raise ValueError(
                f"{self.report}, section '{self.section}': {len(rows)} rows have {dict(self.row)} and a column "
                f"'{self.column}', expected 1; correct the finding's `row` or `column`"
            )
        return rows[0][self.column]


def section(text: str, title: str, name: str) -> str:
    """Take one second-level section of a report.

    Raises:
        ValueError: The report has no such section.
    """
    sections = {part.partition("\n")[0]: part for part in f"\n{text}".split("\n## ")[1:]}
    if title not in sections:
        raise ValueError(f"{name} has no section '{title}'; its sections are: {', '.join(sections)}")
    return sections[title]


def tables(text: str) -> Iterator[list[dict[str, str]]]:
    """Read the Markdown tables of a text, each as its rows by column."""
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        head, _, *rows = [_cells(line) for line in block.strip().split("\n")]
        yield [dict(zip(head, row, strict=True)) for row in rows]


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]


def effect(cell: str) -> str:
    """Keep the first value and interval of a cell; a share of the baseline, for example, is left out.

    Raises:
        ValueError: The cell has no value with an interval.
    """
    if (match := _EFFECT.search(cell)) is None:
        raise ValueError(f"expected a value with its interval, e.g. '+0.1 [+0.0, +0.2]', got '{cell}'")
    return f"{match['value']} {match['interval']}"


def findings_table(findings: list[dict[str, Any]], root: Path) -> str:
    """Write the table: question, finding, effect and a reference link to the page that discusses it."""
    rows = [
        (each["question"], each["finding"], effect(Cell(**each["cell"]).read(root)), f"[{each['page']}]")
        for each in findings
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, ("---",) * len(HEAD), *rows))


def read_findings(path: Path, root: Path) -> str:
    """Write the table of a YAML list of findings."""
    return findings_table(yaml.safe_load(path.read_text()), root)
