from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from scenes.counterfactuals.clips import with_times
from scenes.questions import CATEGORIES, Question, ask_about
from scenes.questions.again import ask_again
from scenes.questions.facts import Facts
from scenes.worlds import WorldConfig, make_world, render

CLIPS = render([make_world(seed, WorldConfig(frames=4, motion=True, objects=(4, 8))) for seed in range(12)], "cpu", ())


def questions(number: int) -> list[Question]:
    return ask_about(CLIPS[number], torch.Generator().manual_seed(number), per_category=4)


def test_the_same_question_about_the_same_clip_has_the_same_answer_in_every_category() -> None:
    asked: set[str] = set()
    for number, clip in enumerate(CLIPS):
        facts = Facts.of(clip)
        for question in questions(number):
            assert ask_again(question, facts) == question
            asked.add(question.category)
    assert asked == set(CATEGORIES)


def test_two_regions_that_change_places_change_the_letter() -> None:
    for number, clip in enumerate(CLIPS[:4]):
        for question in questions(number):
            if question.category in ("nearer_camera", "left_right", "wider"):
                first, second = question.objects
                swapped = ask_again(question, Facts.of(clip), (second, first))
                assert swapped is not None
                assert {question.answer, swapped.answer} == {"A", "B"}


def test_halved_times_double_a_speed_and_leave_a_distance() -> None:
    facts, kept = Facts.of(with_times(CLIPS[0], 0.5)), set()
    for question in questions(0):
        again = ask_again(question, facts)
        if question.category in ("speed", "elapsed", "distance") and question.value is not None:
            assert again is not None
            factor = {"speed": 2.0, "elapsed": 0.5, "distance": 1.0}[question.category]
            assert again.value == pytest.approx(factor * question.value, rel=1e-6)
            kept.add(question.category)
    assert kept == {"speed", "elapsed", "distance"}


def test_what_is_not_offered_or_not_known_has_no_answer() -> None:
    facts = Facts.of(CLIPS[0])
    colour = next(q for q in questions(0) if q.category == "colour")
    nameless = replace(colour, options=tuple("mauve" for _ in colour.options))
    assert ask_again(nameless, facts) is None
    hidden = replace(facts, area=0 * facts.area)
    assert all(ask_again(q, hidden) is None for q in questions(0) if q.objects)
    with pytest.raises(ValueError, match="'sofas' is no category"):
        ask_again(replace(colour, category="sofas"), facts)
