from __future__ import annotations

import math

import pytest

from benchmarks.metrics.text.cider import cider


def test_the_same_text_scores_ten_where_all_lengths_of_runs_occur() -> None:
    right, wrong = cider(["a red chair here", "x"], [["a red chair here"], ["two blue tables there"]])
    assert right == pytest.approx(10.0)
    assert wrong == 0.0


def test_words_of_every_item_weigh_nothing() -> None:
    assert cider(["the", "the"], [["the"], ["the"]]) == [0.0, 0.0]


def test_another_length_is_penalised() -> None:
    # runs of one word alone match, two of three words of the text; lengths differ by 1 run of two words
    score, _ = cider(["a b c", "x"], [["a b"], ["y"]])
    cosine = (2 / (math.sqrt(3) * math.sqrt(2)) + 1 / math.sqrt(2)) / 4
    assert score == pytest.approx(10 * cosine * math.exp(-1 / 72))


def test_every_text_needs_its_references() -> None:
    with pytest.raises(ValueError, match="got 1 texts and 0"):
        cider(["a"], [])
