from __future__ import annotations

import pytest
import torch

from benchmarks.region_qa.scoring import score_item
from benchmarks.region_qa.tasks.media import ClipInMemory
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import Question

CLIP = ClipInMemory(Clip(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.zeros(1)))
CHOICE = Question("sofas", "Which? (A) left (B) right", "B", ("left", "right"))
COUNT = Question("counting", "How many chairs?", "4", value=4.0)


def scored(question: Question, prediction: str, *metrics: str, references: tuple[str, ...] = ()) -> dict[str, float]:
    item = Item("0", "0", CLIP, [], question, metrics, references)
    return dict(score_item("theirs", item, prediction, "arm", 0).metrics)


def test_an_item_is_scored_by_the_metrics_that_it_names_and_the_first_is_its_score() -> None:
    assert scored(COUNT, "5", "mra", "accuracy") == {"score": 0.6, "accuracy": 0.0}  # |5 - 4| / 4 = .25 <= .5, ..., .25
    assert scored(CHOICE, "right", "mra") == {"score": 1.0}


def test_a_score_that_is_not_the_accuracy_names_its_metric() -> None:
    items = [Item("0", "0", CLIP, [], COUNT, metrics) for metrics in (("accuracy",), ("mra",))]
    assert [score_item("theirs", item, "4", "arm", 0).facts for item in items] == [{}, {"metric": "mra"}]


def test_an_unknown_metric_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no metric 'bleurt'.*accuracy, mra"):
        scored(COUNT, "4", "bleurt")


def test_an_answer_in_words_is_unparsed_only_where_it_is_empty() -> None:
    words = Question("colours", "Which colour is the sofa?", "red")
    for prediction, parsed in (("Red. ", "Red."), ("  ", None)):
        item = Item("0", "0", CLIP, [], words, ("accuracy",), ("red",))
        assert score_item("theirs", item, prediction, "arm", 0).parsed == parsed
