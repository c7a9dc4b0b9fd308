"""From predictions to records."""

from __future__ import annotations

import pytest
import torch

from benchmarks.region_qa.scoring import score_item, score_items
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import Question

CLIP = Clip(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.zeros(1))
LETTER = Question("nearer_camera", "Which? (A) <region0> (B) <region1>", "B", ("<region0>", "<region1>"), (0, 1))
NUMBER = Question("distance", "How far is <region0>?", "1.4 m", (), (0,), 1.43, "m")


def item(question: Question, name: str = "7/0") -> Item:
    return Item.in_memory(name, "7", CLIP, [], question)


@pytest.mark.parametrize(
    ("question", "prediction", "score", "parsed"),
    [
        (LETTER, "B", 1.0, "B"),
        (LETTER, "(A)", 0.0, "A"),
        (LETTER, "who knows", 0.0, None),
        (NUMBER, "1.4 m", 1.0, 1.4),
        (NUMBER, "143 cm", 1.0, 1.43),
        (NUMBER, "1.15 m", 1.0, 1.15),  # 1.43 / 1.15 is 1.243
        (NUMBER, "1.14 m", 0.0, 1.14),  # 1.43 / 1.14 is 1.254
        (NUMBER, "-1.43 m", 0.0, -1.43),
        (NUMBER, "far away", 0.0, None),
    ],
)
def test_the_right_letter_or_a_number_within_a_quarter_scores(
    question: Question, prediction: str, score: float, parsed: str | float | None
) -> None:
    record = score_item("toy", item(question), prediction, "3d", 4)
    assert record.score == score
    assert record.parsed == (pytest.approx(parsed) if isinstance(parsed, float) else parsed)
    assert bool(record.reason) == (parsed is None)
    assert record.prediction == prediction


def test_a_record_says_what_was_asked_of_whom() -> None:
    record = score_item("toy", item(NUMBER), "2 m", "3d", 4)
    assert (record.task, record.item, record.cluster, record.arm, record.seed) == ("toy", "7/0", "7", "3d", 4)
    assert (record.category, record.question, record.options) == ("distance", NUMBER.text, ())
    assert (record.answer, record.value, record.unit) == ("1.4 m", 1.43, "m")


def test_every_item_has_one_prediction() -> None:
    items = [item(LETTER, "a"), item(NUMBER, "b")]
    assert [record.score for record in score_items("toy", items, ["A", "1.4 m"], "3d", 0)] == [0, 1]
    with pytest.raises(ValueError, match="shorter"):
        score_items("toy", items, ["A"], "3d", 0)
