"""The report of a difference between two runs: a page, the items that changed as JSON lines, a table for a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table as TerminalTable

from benchmarks.comparison.cell import cell, number_cell, point
from benchmarks.diff.media import media_link
from benchmarks.diff.pairing import Diff, Pair
from benchmarks.diff.run import Run
from benchmarks.records.manifest import Manifest
from benchmarks.region_qa.scores import Row
from benchmarks.report.page import Page, Section
from benchmarks.report.plots import difference_forest
from benchmarks.report.study import Study
from benchmarks.report.table import Table
from scenes.storage.atomic import write_text

SHOWN, WIDEST = 50, 60  # items of a list in the report; characters of a cell
CHANGED = "changed.jsonl"
METHOD = (
    "The difference is that of the second run minus the first, paired by item. Intervals: 95 %, percentile bootstrap "
    "over clusters of items (clips or rooms, where the logs name them; else items), nested in training seeds where "
    "there are several. The difference over all items is the primary endpoint, bold where its interval excludes 0. "
    "Differences by category are bold where their p value, adjusted by Holm over all categories, is below 0.05."
)


def diff_page(diff: Diff, runs: tuple[Run, Run], manifest: Manifest, folder: Path) -> Page:
    """Lay out a difference, for a report in a folder; items link to their footage where it is known."""
    rows, (first, second) = diff.rows(), diff.names
    legend = {name: f"{run.source} ({run.tool})" for name, run in zip(diff.names, runs, strict=True)}
    study = Study(
        title=f"{second} against {first}",
        summary=summarise(diff),
        manifest=manifest,
        question=f"Does {second} score higher than {first} on the same items?",
        legend=legend,
    )
    names = [row.category for row in rows]
    forest = difference_forest(names, {f"{second} - {first}": [row.differences[0] for row in rows]})
    sections = [
        Section(f"Scores: {diff.metric}", "", [score_table(diff, rows)], [forest]),
        changed_section(f"Gained by {second}", diff.gained, diff, folder),
        changed_section(f"Lost by {second}", diff.lost, diff, folder),
    ]
    return Page(study, finding(diff, rows[0]), METHOD, sections)


def write_diff(page: Page, diff: Diff, folder: Path) -> None:
    """Write report.html, report.md, and every item that changed as a line of changed.jsonl."""
    lines = [
        {"item": pair.before.item, "category": pair.before.category, "truth": pair.before.answer}
        | {"scores": [pair.before.score, pair.after.score]}
        | {"answers": [pair.before.prediction, pair.after.prediction]}
        | ({"media": link} if (link := link_of(pair, diff, folder)) else {})
        for pair in (*diff.gained, *diff.lost)
    ]
    page.write(folder)
    write_text(folder / CHANGED, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def summarise(diff: Diff) -> str:
    """Say what was joined."""
    clusters = len({pair.before.cluster for pair in diff.pairs})
    text = f"{len(diff.pairs)} items in {clusters} clusters; {len(diff.gained)} gained, {len(diff.lost)} lost."
    for name, count in zip(diff.names, diff.alone, strict=True):
        text += f" {count} items are in {name} alone and left out." if count else ""
    return text


def finding(diff: Diff, whole: Row) -> str:
    """Answer in a sentence whether the runs differ."""
    first, second = diff.names
    (difference,) = whole.differences
    assert difference is not None
    order = "scores higher than" if difference.mean > 0 else "scores lower than"
    verdict = order if difference.excludes_zero else "does not differ clearly from"
    return f"{second} {verdict} {first} ({cell(difference, signed=True)})."


def score_table(diff: Diff, rows: Sequence[Row]) -> Table:
    """Lay out both scores, their difference (bold where clear), and the share of unparsed answers."""
    first, second = diff.names
    lines = []
    for row in rows:
        unparsed = ["not recorded" if share is None else f"{share:.1%}" for share in diff.unparsed(row.category)]
        difference = cell(row.differences[0], signed=True)
        lines.append(
            [row.category, str(row.items), *map(cell, row.scores), difference, " / ".join(dict.fromkeys(unparsed))]
        )
    bold = {(number, 4) for number, row in enumerate(rows) if row.clear}
    head = ["category", "items", first, second, f"{second} - {first} [95 %]", "unparsed"]
    return Table(head, lines, bold)


def changed_section(title: str, pairs: Sequence[Pair], diff: Diff, folder: Path) -> Section:
    """List the items that changed one way, the largest changes first."""
    more = f" The first {SHOWN} are shown." if len(pairs) > SHOWN else ""
    lines = [
        [
            short(pair.before.item),
            short(pair.before.category),
            short(pair.before.answer),
            short(pair.before.prediction),
            short(pair.after.prediction),
            f"{number_cell(pair.before.score, 2)} to {number_cell(pair.after.score, 2)}",
        ]
        for pair in pairs[:SHOWN]
    ]
    head = ["item", "category", "truth", *diff.names, "score"]
    text = f"{len(pairs)} items.{more} All are in {CHANGED}."
    links = {row: link for row, pair in enumerate(pairs[:SHOWN]) if (link := link_of(pair, diff, folder))}
    return Section(title, text, [Table(head, lines, links=links)] if lines else [])


def link_of(pair: Pair, diff: Diff, folder: Path) -> str:
    """Write the address of an item's footage, as one of the two runs knows it."""
    return media_link(pair.before, diff.roots, folder) or media_link(pair.after, diff.roots, folder)


def short(text: str) -> str:
    """Fit an answer into a cell of a table."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"


def to_terminal(diff: Diff) -> TerminalTable:
    """Lay the scores out for a terminal; a star marks what is clear, and intervals of the scores are in the report."""
    rows = diff.rows()
    table = score_table(diff, rows)
    shown = TerminalTable(
        title=summarise(diff),
        caption="* clear; intervals of the scores are in the report",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in table.head:
        shown.add_column(name, no_wrap=name == table.head[0], overflow="fold", min_width=5)
    for row, line in zip(rows, table.rows, strict=True):
        shown.add_row(*line[:2], *map(point, row.scores), line[4] + (" *" if row.clear else ""), line[5])
    return shown
