"""What a question names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from benchmarks.regionize.phrases import listed_phrases, phrases_by_model, phrases_by_rule
from models.queries.query import Query


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How far is the red box from a blue mug at the start?", ["red box", "blue mug"]),
        ("Which direction is the man in the blue shirt moving?", ["man", "blue shirt"]),
        ("How far does the running dog travel before it passes a parked car?", ["running dog", "parked car"]),
        ("From the camera perspective, does the person walking left stop?", ["person"]),
        ("Is the café table near the über-große e\u0301toile?", ["café table", "über-große e\u0301toile"]),
        ("How many seconds is the video at the beginning of the scene?", []),
        ("Is Anna taller than Ben?", []),
    ],
)
def test_noun_phrases_with_an_article_are_found(question: str, words: list[str]) -> None:
    found = phrases_by_rule(question)
    assert [phrase.words for phrase in found] == words
    for phrase in found:
        assert all(question[start:end].lower().endswith(phrase.words) for start, end in phrase.spans)


def test_the_same_words_are_one_thing_with_all_their_places() -> None:
    question = "Does the red box pass the mug, or the mug the red box?"
    box, mug = phrases_by_rule(question)
    assert [question[start:end] for start, end in box.spans] == ["the red box", "the red box"]
    assert len(mug.spans) == 2


def test_things_that_a_model_lists_are_located_and_longer_ones_take_their_words() -> None:
    question = "How far is the red box from the box?"
    red, box = listed_phrases(question, "- the box\n- Red box; a zebra")
    assert (red.words, box.words) == ("red box", "box")
    assert [question[start:end] for start, end in (*red.spans, *box.spans)] == ["the red box", "the box"]


class Lists:
    """Says what was asked about."""

    def answer(
        self, queries: Sequence[Query], batch_size: int = 64, max_new_tokens: int | None = None
    ) -> Iterator[str]:
        assert all("Question: Does Anna" in query.text for query in queries)
        return iter(["Anna; car"])


def test_a_language_model_finds_what_has_no_article() -> None:
    found = phrases_by_model(Lists())("Does Anna reach the car?")
    assert [(phrase.words, phrase.spans) for phrase in found] == [("anna", ((5, 9),)), ("car", ((16, 23),))]
