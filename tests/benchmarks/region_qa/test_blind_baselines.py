"""Nothing can be answered from the words: blind baselines, and what they reach on questions about worlds."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from random import Random

import numpy as np
import pytest

from benchmarks.region_qa.blind_baselines import best_number, by_text, favourite_option, majority
from scenes.questions import CATEGORIES, Question
from scenes.questions.category import Measurement
from scenes.questions.facts import Facts
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.objects.families import FAMILIES
from scenes.worlds.objects.palette import COLOURS

CLIPS, TRAIN, TEST = 128, 1000, 3000


pytestmark = pytest.mark.long  # the worlds


def ask(text, answer, options=("<region0>", "<region1>")):
    return Question("c", text, answer, options)


def test_the_majority_by_category_is_the_most_frequent_letter():
    score = majority([ask("x", "A")] * 3 + [ask("y", "B")] * 2, [ask("y", "B")] * 3 + [ask("z", "A")])["c"]
    assert (score.accuracy, score.chance, score.count) == (0.25, 0.5, 4)


def test_the_majority_by_text_finds_a_leak_in_the_wording_and_falls_back_on_the_category():
    train = [ask("which is nearer", "A")] * 3 + [ask("which is further", "B")] * 2
    test = [ask("which is further", "B"), ask("which is nearer", "A"), ask("never seen", "A")]
    assert majority(train, test, by_text)["c"].accuracy == 1


def test_the_favourite_option_is_found_wherever_it_stands():
    train = [ask("?", "A", ("red", "blue")), ask("?", "B", ("blue", "red")), ask("?", "A", ("blue", "green"))]
    test = [ask("?", "A", ("red", "blue")), ask("?", "B", ("green", "red"))]
    assert favourite_option(train, test)["c"].accuracy == 1


def test_the_best_number_has_most_values_within_the_ratio():
    assert best_number(np.array([1.0, 1.2, 1.4, 5.0, 9.0])) == pytest.approx((1.0 * 1.4) ** 0.5)
    assert best_number(np.array([3.0])) == pytest.approx(3)
    train = [Question("d", "?", f"{v} m", value=v, unit="m") for v in (1.0, 1.1, 1.2, 9.0)]
    score = majority(train, train)["d"]
    assert (score.accuracy, score.chance) == (0.75, None)


@pytest.fixture(scope="module")
def facts():
    """Facts of worlds of the default kind, moving, drawn small: what they show matters here, not how well."""
    config = WorldConfig(height=32, width=32, frames=4, motion=True)
    clips = (render([make_world(seed, config) for seed in range(k, k + 32)], signals=()) for k in range(0, CLIPS, 32))
    return [Facts.of(clip) for batch in clips for clip in batch]


def questions(name, facts, count, rng):
    """Ask one category of all clips that can be asked, over and over, until there are enough.

    Where objects are counted they get new names each time, as worlds draw them: among few clips, "how many are red"
    would tell which clip it is.
    """
    able = [f for f in facts if next(CATEGORIES[name].ask(f, rng), None)]
    assert able, f"no clip can be asked about {name}"
    found = []
    for one in cycle(able):
        asked = renamed(one, rng) if name.startswith("count") else one
        found += CATEGORIES[name].ask(asked, rng)
        if len(found) >= count:
            return found[:count]


def renamed(facts, rng):
    colours, families = rng.choices(COLOURS, k=len(facts.colours)), rng.choices(list(FAMILIES), k=len(facts.families))
    return replace(facts, colours=tuple(colours), families=tuple(families))


CHOICES = [name for name, category in CATEGORIES.items() if not isinstance(category, Measurement)]


@pytest.mark.parametrize("name", CHOICES)
def test_words_do_not_give_the_answer_away(name, facts):
    """Blind guesses stay within 3 points of chance; the standard error of 3,000 questions is 0.9 points."""
    train = questions(name, facts[: CLIPS // 2], TRAIN, Random(0))
    test = questions(name, facts[CLIPS // 2 :], TEST, Random(1))
    for blind in (majority(train, test), majority(train, test, by_text), favourite_option(train, test)):
        assert abs(blind[name].accuracy - blind[name].chance) < 0.03


@pytest.mark.parametrize("name", [name for name in CATEGORIES if name not in CHOICES])
def test_the_words_of_a_numeric_question_add_nothing_to_the_best_constant(name, facts):
    asked = [question for one in facts for question in CATEGORIES[name].ask(one, Random(0))]
    train, test = asked[::2], asked[1::2]
    constant = majority(train, test)[name].accuracy
    # both wordings get a constant of their own, from half the questions: some points of luck either way
    assert abs(majority(train, test, by_text)[name].accuracy - constant) < 0.1
    assert constant < 0.5
