"""Questions that a checkpoint was trained on, and the nearest of them."""

from __future__ import annotations

import pytest

from models.sr3d.text.trained_questions import nearest_questions

TRAINED = {
    "distance": [
        "How far is <region0> from <region1> at the start?",
        "At the start, how far is <region0> from <region1>?",
    ],
    "wider": ["Which is wider? (A) <region0> (B) <region1>"],
    "colour": ["What colour is <region0>? (A) ... (B) ..."],
    "count": ["How many objects have the colour ...? (A) ... (B) ..."],
    "column": ["Where in the picture is <region0> at the start? (A) ... (B) ..."],
}


@pytest.mark.parametrize(
    "question",
    [
        "How far is <region3> from <region1> at the start?",
        "How far is <region0>  from <region1> at the start ?",
        "Which is wider? (A) <region1> (B) <region0>",
        "What colour is <region2>? (A) red (B) blue (C) green",
        "How many objects have the colour red? (A) 1 (B) 2",
    ],
)
def test_a_trained_sentence_is_known_whatever_its_regions_and_options(question: str) -> None:
    assert nearest_questions(question, TRAINED) == []


@pytest.mark.parametrize(
    ("question", "nearest"),
    [
        ("Where is <region0>?", "Where in the picture is <region0> at the start? (A) ... (B) ..."),
        ("How far is <region0> from <region1>?", "How far is <region0> from <region1> at the start?"),
        ("At the start, how far is <region0>?", "At the start, how far is <region0> from <region1>?"),
        ("Which is wider?", "Which is wider? (A) <region0> (B) <region1>"),
        ("Which is wider? (A) red (B) blue", "Which is wider? (A) <region0> (B) <region1>"),
        ("What colour is <region0>?", "What colour is <region0>? (A) ... (B) ..."),
        ("How many objects are red? (A) 1 (B) 2", "How many objects have the colour ...? (A) ... (B) ..."),
    ],
)
def test_another_sentence_is_answered_with_the_nearest_trained_one_first(question: str, nearest: str) -> None:
    found = nearest_questions(question, TRAINED)
    assert found[0] == nearest
    assert len(found) == 3


def test_one_sentence_a_category_is_named() -> None:
    assert len(nearest_questions("How far?", TRAINED, count=9)) == len(TRAINED)


def test_a_model_that_does_not_say_what_it_reads_is_not_doubted() -> None:
    assert nearest_questions("What is the meaning of <region0>?", {}) == []
