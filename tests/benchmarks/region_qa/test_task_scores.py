from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from benchmarks.records.record import Record
from benchmarks.region_qa.scores import score_rows
from benchmarks.region_qa.task_scores import asked_protocol, beside_published, means
from benchmarks.region_qa.tasks.protocol import EvaluationProtocol, PublishedScore
from benchmarks.region_qa.tasks.task import Item, Task

PROTOCOL = EvaluationProtocol(revision="v1", frames=8, parser="theirs")


def record(category: str, item: str, score: float, **metrics: float) -> Record:
    return Record(
        "t", item, item, "arm", 0, {"score": score, **metrics}, category=category, answer="A", options=("x", "y")
    )


RECORDS = [
    record("near", "0", 1.0, theirs=0.0),
    record("near", "1", 0.0, theirs=0.0),
    record("far", "2", 1.0, theirs=1.0),
    record("count", "3", 0.25, theirs=0.5),
]


@dataclass
class Theirs(Task):
    """A task of somebody else, with categories that are not ours."""

    name: str = "theirs"
    about: str = ""
    pace: float = 1.0
    protocol: EvaluationProtocol = PROTOCOL
    published: Sequence[PublishedScore] = ()

    def __post_init__(self) -> None:
        self.averages = {"where": ("near", "far"), "overall": ("where", "count"), "all of it": ("overall", "absent")}

    def items(self) -> list[Item]:
        return []


def test_averages_weigh_categories_alike_and_an_incomplete_one_is_left_out() -> None:
    found = means(Theirs(), RECORDS, "score")
    averages = {"where": 0.75, "overall": 0.5}
    assert found == {"all items": 0.5625, "near": 0.5, "far": 1.0, "count": 0.25, **averages}


def test_published_scores_stand_beside_ours_by_the_published_parser() -> None:
    same = PublishedScore("A", "overall", 0.6, "paper, table 1", PROTOCOL)
    more = PublishedScore("B", "far", 0.7, "paper, table 1", replace(PROTOCOL, frames=32))
    first, second = beside_published(Theirs(published=[same, more]), RECORDS, PROTOCOL, {})
    assert (first.ours, first.why_not) == (pytest.approx(0.5), "")  # theirs: (0 + 1) / 2 and 0.5
    assert (second.ours, second.why_not) == (1.0, "frames 32 instead of 8")


def test_asking_the_first_items_alone_is_another_protocol() -> None:
    published = PublishedScore("A", "overall", 0.6, "paper", PROTOCOL)
    task = Theirs(published=[published])
    assert asked_protocol(task, None) == PROTOCOL
    (beside,) = beside_published(task, RECORDS, asked_protocol(task, 3), {})
    assert beside.why_not == "subset none instead of the first 3 items"


def test_a_constant_is_not_computed_for_numbers_of_another_metric() -> None:
    other = replace(RECORDS[3], options=(), answer="4", value=4.0, facts={"metric": "mra"})
    rows = {row.category: row.constant for row in score_rows([*RECORDS[:3], other])}
    assert rows == {"near": 1.0, "far": 1.0, "count": None}
