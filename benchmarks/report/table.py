"""Tables of a report, none wider than a screen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.cell import cell, point
from benchmarks.comparison.holm import clear_differences
from benchmarks.comparison.metric import Metric

WIDTH = 110  # characters of Markdown that fit a screen of 1280 pixels


@dataclass(frozen=True)
class Table:
    """A table as text.

    Args:
        head: names of the columns.
        rows: cells.
        bold: cells to emphasise, by (row, column).
        label: number of columns on the left that name a row; they are repeated where the table is split.
        details: title under which the table is folded away; empty for one that is always shown.
        links: address behind the first cell of a row, by row.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    bold: Collection[tuple[int, int]] = frozenset()
    label: int = 1
    details: str = ""
    links: Mapping[int, str] = field(default_factory=dict)

    def split(self, width: int = WIDTH) -> list[Table]:
        """Split a table by columns into tables that are at most `width` characters wide, if one column is."""
        sizes = [self._size(column) for column in range(len(self.head))]
        left = sum(sizes[: self.label]) + 1
        groups: list[list[int]] = [[]]
        used = left
        for column in range(self.label, len(self.head)):
            if groups[-1] and used + sizes[column] > width:
                groups.append([])
                used = left
            groups[-1].append(column)
            used += sizes[column]
        return [self._columns([*range(self.label), *group]) for group in groups]

    def markdown(self) -> str:
        """Write the table for a repository."""
        lines = ["| " + " | ".join(self.head) + " |", "|" + " --- |" * len(self.head)]
        lines += [
            "| " + " | ".join(self._linked(i, j) for j in range(len(row))) + " |" for i, row in enumerate(self.rows)
        ]
        return "\n".join(lines)

    def _marked(self, row: int, column: int) -> str:
        text = self.rows[row][column]
        return f"**{text}**" if (row, column) in self.bold else text

    def _linked(self, row: int, column: int) -> str:
        text = self._marked(row, column)
        return f"[{text}]({self.links[row]})" if column == 0 and row in self.links else text

    def _size(self, column: int) -> int:
        return 3 + max(len(self.head[column]), *(len(self._marked(i, column)) for i in range(len(self.rows))), 3)

    def _columns(self, columns: Sequence[int]) -> Table:
        bold = {(i, k) for k, column in enumerate(columns) for i in range(len(self.rows)) if (i, column) in self.bold}
        rows = [[row[column] for column in columns] for row in self.rows]
        return Table([self.head[column] for column in columns], rows, bold, self.label, self.details, self.links)


def table_blocks(tables: Sequence[Table]) -> list[tuple[str, list[Table]]]:
    """Split tables to the width of a screen, and group them by the title under which they are folded away."""
    parts = [part for table in tables for part in table.split()]
    return [(title, list(group)) for title, group in groupby(parts, lambda table: table.details)]


def tables_markdown(tables: Sequence[Table]) -> str:
    """Write tables for a repository; folded ones under their title."""
    blocks = []
    for details, group in table_blocks(tables):
        text = "\n\n".join(table.markdown() for table in group)
        blocks.append(f"<details><summary>{details}</summary>\n\n{text}\n\n</details>" if details else text)
    return "\n\n".join(blocks)


def clear_cells(differences: Sequence[Sequence[Estimate | None]], left: int) -> set[tuple[int, int]]:
    """Find the cells that are clear after Holm's correction over a table; `left` columns precede them."""
    table = {(i, j): each for i, row in enumerate(differences) for j, each in enumerate(row) if each is not None}
    return {(i, j + left) for i, j in clear_differences(table)}


def estimate_tables(
    head: Sequence[str],
    left: Sequence[Sequence[str]],
    metrics: Sequence[Metric],
    estimates: Sequence[Sequence[Estimate | None]],
    right: Sequence[Sequence[str]] = (),
    right_head: Sequence[str] = (),
) -> list[Table]:
    """Make a table of means, and one of the same means with their intervals, folded away.

    Args:
        head: names of the columns on the left.
        left: their cells, row by row.
        metrics: columns.
        estimates: estimates by row and metric.
        right: further cells of the table of means, row by row.
        right_head: their names.
    """
    names = [metric.heading for metric in metrics]
    ends = right or [()] * len(left)
    points = [
        [*a, *(point(e, m.digits) for e, m in zip(row, metrics, strict=True)), *b]
        for a, row, b in zip(left, estimates, ends, strict=True)
    ]
    whole = [
        [*a, *(cell(e, m.digits) for e, m in zip(row, metrics, strict=True))]
        for a, row in zip(left, estimates, strict=True)
    ]
    return [
        Table([*head, *names, *right_head], points, label=len(head)),
        Table([*head, *names], whole, label=len(head), details="with 95 % intervals"),
    ]
