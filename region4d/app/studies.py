"""What the Studies page shows of finished studies: a page of items that pass the filters, and one item as a card."""

from __future__ import annotations

import html
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from region4d.cards.answers import coloured
from region4d.cards.study_card import LABELS, StudyCard
from region4d.studies.finished import (
    OUTCOMES,
    FinishedStudy,
    StudyItem,
    arms_of,
    chosen_items,
    with_words,
)

PER_PAGE = 40
MOST_CHIPS = 6  # arms that a row lists one by one


@dataclass(frozen=True)
class Choices:
    """What the items of a task can be filtered by. `metrics` are those that order them; a task has them or answers."""

    categories: Sequence[str]
    arms: Sequence[str]
    metrics: Sequence[str]
    asked: bool

    @classmethod
    def of(cls, items: Mapping[str, StudyItem]) -> Choices:
        """List them."""
        outcomes = [each for item in items.values() for each in item.outcomes]
        categories = dict.fromkeys(item.category for item in items.values() if item.category)
        metrics = dict.fromkeys(name for each in outcomes for name in each.metrics)
        asked = any(item.question for item in items.values())
        return cls(list(categories), arms_of(items.values()), list(metrics), asked)


@dataclass(frozen=True)
class Wanted:
    """The filters of a visitor; "" stands for all.

    Raises:
        ValueError: the outcome is not one of `OUTCOMES`, or the page is not a whole number from 1.
    """

    category: str = ""
    arm: str = ""
    outcome: str = "all"
    highest: str = ""
    page: int = 1

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"'{self.outcome}' is no outcome; choose one of {', '.join(OUTCOMES)}")
        if self.page < 1:
            raise ValueError(f"pages count from 1; got {self.page}")


class Studies:
    """The studies of a server, which all visitors share and none changes."""

    def __init__(self, studies: Sequence[FinishedStudy]) -> None:
        self.by_name = {study.name: study for study in studies}

    def study(self, name: str) -> FinishedStudy:
        """Find a study; ValueError where the server has none of this name."""
        if name not in self.by_name:
            raise ValueError(f"this server has no study '{name}'; it has {', '.join(self.by_name) or 'none'}")
        return self.by_name[name]

    def chosen(self, name: str, task: str, wanted: Wanted) -> list[StudyItem]:
        """List the items of a task that pass the filters."""
        items = self.study(name).items(task).values()
        return chosen_items(items, wanted.category or None, wanted.arm or None, wanted.outcome, wanted.highest or None)

    def card(self, name: str, task: str, item: str) -> StudyCard:
        """Make the card of an item."""
        study = self.study(name)
        folder = study.folder.name if study.folder.is_absolute() else str(study.folder)
        words = ["region4d", "records", "card", folder, item, "--task", task, "-o", "card.html"]
        return StudyCard.of(study, study.item(item, task), shlex.join(words))


def page_of(items: Sequence[StudyItem], page: int) -> Sequence[StudyItem]:
    """Take one page of items."""
    return items[(page - 1) * PER_PAGE : page * PER_PAGE]


def pages(count: int) -> int:
    """Count the pages of `count` items."""
    return max(1, -(-count // PER_PAGE))


def rows_html(items: Sequence[StudyItem], arm: str, metric: str) -> str:
    """Write items as buttons, with the answers of an `arm` ("": of all), or its mean of a `metric`."""
    return "".join(_row(item, arm or None, metric) for item in items)


def row_facts(item: StudyItem) -> dict[str, Any]:
    """Write an item for a program: its question, truth, and the outcomes of all arms."""
    outcomes = [
        {"arm": each.arm, "seed": each.seed, "answer": each.text, "right": each.right if item.question else None}
        | {"metrics": dict(each.metrics)}
        for each in item.outcomes
    ]
    return {
        "item": item.name,
        "category": item.category,
        "question": item.question,
        "truth": item.truth,
        "outcomes": outcomes,
    }


def _row(item: StudyItem, arm: str | None, metric: str) -> str:
    head = coloured(item.question) if item.question else html.escape(item.name)
    about = ""
    if item.question:
        names = html.escape(f"{item.name} · {item.category}")
        about = f'<small class="r4d-subdued">{names} · truth <b>{coloured(item.truth)}</b></small>'
    chips = _answer_chips(item, arm) if item.question else _metric_chips(item, arm, metric)
    return (
        f'<li><button type="button" data-item="{html.escape(item.name)}" aria-pressed="false"><span>{head}</span>'
        f'{about}<span class="r4d-chips">{chips}</span></button></li>'
    )


def _answer_chips(item: StudyItem, arm: str | None) -> str:
    arms = arms_of([item]) if arm is None else [arm]
    if len(arms) > MOST_CHIPS:
        rights = sum(each.right for each in item.outcomes)
        return _chip("", f"{rights} of {len(item.outcomes)} answers right", rights == len(item.outcomes))
    chips = ""
    for name in arms:
        outcomes = item.of(name)
        rights = sum(each.right for each in outcomes)
        text = (
            with_words(outcomes[0].text, item.options) if len(outcomes) == 1 else f"{rights} of {len(outcomes)} right"
        )
        chips += _chip(name, text or "–", rights == len(outcomes))
    return chips


def _chip(name: str, text: str, right: bool) -> str:
    label = f"{html.escape(name)} " if name else ""
    kind, sign = ("r4d-right", "✓") if right else ("r4d-wrong", "✗")
    return f'<span>{label}<span class="{kind}" aria-label="{kind[4:]}">{sign}</span> {coloured(text)}</span>'


def _metric_chips(item: StudyItem, arm: str | None, metric: str) -> str:
    mean = item.mean(metric, arm)
    whose = arm or f"mean of {len(arms_of([item]))} arms"
    value = "not measured" if mean is None else f"{mean:.4g}"
    return f"<span>{html.escape(whose)}: {html.escape(LABELS.get(metric, metric))} <b>{value}</b></span>"
