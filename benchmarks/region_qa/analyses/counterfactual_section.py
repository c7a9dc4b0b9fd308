"""The section of a report on counterfactual worlds."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.comparison.cell import cell, number_cell
from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.counterfactuals import Following, followings
from benchmarks.region_qa.scores import arms_of
from benchmarks.report.page import Section
from benchmarks.report.table import Table

TITLE = "Counterfactual worlds"
ABOUT = (
    "One thing of a world is changed, and the same question is asked again; its true answer is computed anew. "
    "*Follows* is the share of the items with another true answer that are right before the change and right after it: "
    "the two truths are so far apart that no answer is right both times, so a model that ignores what was changed, as "
    "a constant does, has 0. *Chance* is that of guessing among the options. *Stays* is the share of the items with "
    "the same true answer whose answer stays the same; a constant has 1. Intervals: 95 %, over clips."
)
NONE = (
    "These records have no answers about counterfactual worlds: they were made before these were asked. The study asks "
    "them when it runs again."
)


def counterfactual_section(records: Sequence[Record]) -> Section:
    """Show one number a kind and arm; say so where there are no records."""
    tables = counterfactual_tables(records)
    return Section(TITLE, ABOUT if tables else NONE, tables)


def counterfactual_tables(records: Sequence[Record]) -> list[Table]:
    """Lay out how answers follow, and how they stay; empty without such records."""
    found = followings(records)
    if not found:
        return []
    arms = arms_of(records)
    kinds: dict[str, list[Following]] = {}
    for each in found:
        kinds.setdefault(each.kind, []).append(each)
    follows, stays = [], []
    for kind, row in kinds.items():
        name, first = kind.replace("_", " "), row[0]
        follows.append([name, str(first.followed), number_cell(first.chance), *(cell(each.follows) for each in row)])
        stays.append([name, str(first.stayed), *(cell(each.stays) for each in row)])
    return [Table(["follows", "items", "chance", *arms], follows), Table(["stays", "items", *arms], stays)]
