"""How questions are drawn, whatever they are about."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from scenes.questions.category import ChoiceQuestion, Comparison, Measurement
from scenes.questions.facts import Facts
from tests.support.clips.toy_clips import toy_clip


@pytest.fixture(scope="module")
def facts():
    return Facts.of(toy_clip(0))


def lopsided(facts):
    """Ten things are red, one is blue."""
    return {"red": [((k,), "") for k in range(10)], "blue": [((10,), "")], "green": []}


def test_every_available_word_is_the_answer_equally_often_however_many_things_it_is_true_of(facts):
    choice = ChoiceQuestion("colour", lopsided, ("What colour?",))
    rng = Random(0)
    words, letters = Counter(), Counter()
    for _ in range(2000):
        question = next(choice.ask(facts, rng))
        assert set(question.options) == {"red", "blue"}
        words[question.options["AB".index(question.answer)]] += 1
        letters[question.answer] += 1
    # standard deviation of a count: 22
    assert abs(words["red"] - 1000) < 90
    assert abs(letters["A"] - 1000) < 90


def test_asking_ends_when_only_one_word_is_left(facts):
    asked = [len(list(ChoiceQuestion("c", lopsided, ("?",)).ask(facts, Random(k)))) for k in range(50)]
    assert min(asked) == 1  # blue came first
    assert max(asked) <= 11


def test_at_most_four_options_are_offered_and_the_answer_is_among_them(facts):
    many = ChoiceQuestion("c", lambda _: {w: [((k,), "")] for k, w in enumerate("pqrstu")}, ("?",))
    for seed in range(20):
        question = next(many.ask(facts, Random(seed)))
        assert len(question.options) == 4
        assert question.options["ABCD".index(question.answer)] == "pqrstu"[question.objects[0]]


def test_what_is_not_kept_is_never_asked(facts):
    choice = ChoiceQuestion("c", lopsided, ("?",), kept=lambda _facts, word, k: 0.0 if word == "red" and k else 1.0)
    assert {q.objects[0] for seed in range(20) for q in choice.ask(facts, Random(seed))} <= {0, 10}


def test_a_name_fills_the_gap_in_the_wording(facts):
    choice = ChoiceQuestion("c", lambda _: {"1": [((), "red")], "2": [((), "blue")]}, ("How many are {}?",))
    question = next(choice.ask(facts, Random(0)))
    assert question.text.startswith(("How many are red? (A)", "How many are blue? (A)"))


def test_both_letters_and_both_ways_of_asking_are_equally_likely(facts):
    comparison = Comparison("taller", lambda _: [(3, 7)], ("Which is taller?",), ("Which is shorter?",))
    rng = Random(0)
    asked = [next(comparison.ask(facts, rng)) for _ in range(1000)]
    assert abs(sum(q.answer == "A" for q in asked) - 500) < 65  # standard deviation: 16
    for question in asked:
        assert question.objects["AB".index(question.answer)] == (3 if "taller" in question.text else 7)


def test_references_are_mentioned_before_what_is_compared(facts):
    comparison = Comparison("nearer", lambda _: [(5, 1, 2)], ("Which is nearer to <region0>?",))
    question = next(comparison.ask(facts, Random(0)))
    assert question.objects[0] == 5
    assert question.options == ("<region1>", "<region2>")
    assert question.text == "Which is nearer to <region0>? (A) <region1> (B) <region2>"


def test_nothing_is_drawn_twice(facts):
    measured = Measurement("m", lambda _: [((k,), 1.0 + k) for k in range(6)], ("How long?",))
    assert sorted(q.value for q in measured.ask(facts, Random(0))) == [1, 2, 3, 4, 5, 6]
