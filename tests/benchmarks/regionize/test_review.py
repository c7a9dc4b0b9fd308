"""A review: what the page holds, and what its decisions change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.regionize.item import Regionized
from benchmarks.regionize.review import FORMAT, agreement, apply_decisions, join_reviews, read_decisions
from models.segmenters import ColourSegmenter
from tests.support.clips.squares import GREEN, squares


def apply(items: list[Regionized], decisions: dict[str, Any]) -> list[Regionized]:
    return apply_decisions(items, decisions, lambda asked: squares(), ColourSegmenter())


def test_accepted_items_stay_and_dropped_ones_go(items: list[Regionized]) -> None:
    done = apply(items, {"q/0": {"decision": "drop"}, "2": {"decision": "accept"}})
    assert done[0].regions == []
    assert done[0].dropped == "dropped in review"
    assert done[1:] == items[1:]


def test_a_candidate_that_a_person_chose_and_a_box_that_they_drew_are_followed(items: list[Regionized]) -> None:
    chosen = {"decision": "correct", "regions": {"0": {"frame": 0, "box": list(GREEN)}}}
    drawn = {"decision": "correct", "regions": {"1": {"frame": 1, "box": [40, 24, 56, 30]}}}
    first, second, _ = apply(items, {"1": chosen, "q/0": drawn})
    assert second.question() == "Does <region0> move?"
    assert second.named[0].chosen == 1
    assert sum(second.named[0].masks[0]["counts"][1::2]) == 256
    assert first.named[0] == items[0].named[0]
    assert first.named[1].candidates[-1].score == 1.0
    assert first.named[1].candidates[-1].frame == 1


def test_a_region_that_is_taken_away_leaves_its_words(items: list[Regionized]) -> None:
    first, *_ = apply(items, {"q/0": {"decision": "correct", "regions": {"0": None}}})
    assert first.question() == "How far is the red square from <region0>?"
    gone, *_ = apply(items, {"q/0": {"decision": "correct", "regions": {"0": None, "1": None}}})
    assert gone.dropped.startswith("no region")


def test_agreement_counts_what_was_accepted_of_items_with_regions(items: list[Regionized]) -> None:
    agreed = agreement(items, {"q/0": {"decision": "accept"}, "1": {"decision": "drop"}})
    assert agreed.decided == {"accept": 1, "correct": 0, "drop": 1}
    assert agreed.accepted is not None
    assert agreed.accepted.mean == 1.0
    assert agreement(items, {}).accepted is None


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ({"7": {"decision": "drop"}}, "there is no item '7'"),
        ({"1": {"decision": "correct", "regions": {"5": None}}}, "item 1 has no phrase 5"),
        ({"1": {"decision": "correct", "regions": {"0": {"frame": 9, "box": [0, 0, 9, 9]}}}}, "no frame 9"),
        ({"1": {"decision": "correct", "regions": {"0": {"frame": 0, "box": [0, 0, 9]}}}}, "a box is x0"),
        ({"1": {"decision": "correct", "regions": {"0": {"frame": 0}}}}, "frame and a box"),
    ],
)
def test_a_decision_that_does_not_fit_is_named(items: list[Regionized], decisions: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        apply(items, decisions)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ('{"items": {}}', "holds no decisions"),
        (json.dumps({"format": FORMAT, "items": {"1": {"decision": "perhaps"}}}), "item 1: a decision is one of"),
    ],
)
def test_a_file_that_is_no_review_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "d.json").write_text(content)
    with pytest.raises(ValueError, match=said):
        read_decisions(tmp_path / "d.json")
    with pytest.raises(FileNotFoundError, match="no decisions"):
        read_decisions(tmp_path / "gone.json")


def test_reviews_of_pages_are_joined_and_those_of_other_items_refused(tmp_path: Path) -> None:
    reviews = {}
    for name, digest in (("1", "x"), ("2", "x"), ("3", "y")):
        path = tmp_path / f"{name}.json"
        content = {"format": FORMAT, "items_sha256": digest, "items": {name: {"decision": "drop"}}}
        path.write_text(json.dumps(content))
        reviews[path] = read_decisions(path)
    first, second, other = reviews
    assert sorted(join_reviews({first: reviews[first], second: reviews[second]}, "x")) == ["1", "2"]
    with pytest.raises(ValueError, match=r"3\.json is a review of other items"):
        join_reviews(reviews, "x")
    with pytest.raises(ValueError, match="decides on item '1', and so does another"):
        join_reviews({first: reviews[first], other: reviews[first]}, "x")
