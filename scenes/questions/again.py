"""The same question about a changed clip, or about other objects, with its answer there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scenes.questions.ask import CATEGORIES
from scenes.questions.category import ChoiceQuestion, Comparison, Measurement
from scenes.questions.facts import Facts
from scenes.questions.quantity import format_quantity
from scenes.questions.question import LETTERS, Question


def ask_again(question: Question, facts: Facts, objects: Sequence[int] | None = None) -> Question | None:
    """Ask a question in the same words about the facts of another clip, or about other `objects`.

    The answer is that of the question's category, so that its margins hold. None where it is ambiguous there, cannot
    be known, or is not among the options.

    Raises:
        ValueError: the category is not one of the grammar.
    """
    if question.category not in CATEGORIES:
        raise ValueError(f"'{question.category}' is no category of the grammar: choose among {', '.join(CATEGORIES)}")
    category = CATEGORIES[question.category]
    asked = replace(question, objects=question.objects if objects is None else tuple(objects))
    if isinstance(category, Comparison):
        return _compared(category, asked, facts)
    if isinstance(category, ChoiceQuestion):
        return _chosen(category, asked, facts)
    assert isinstance(category, Measurement)
    return _measured(category, asked, facts)


def _stem(question: Question) -> str:
    return question.text.partition(" (A) ")[0]


def _compared(category: Comparison, asked: Question, facts: Facts) -> Question | None:
    *references, first, second = asked.objects
    candidates = set(category.candidates(facts))
    wins = [(*references, *pair) in candidates for pair in ((first, second), (second, first))]
    if sum(wins) != 1:
        return None
    winner = wins.index(True)
    return replace(asked, answer=LETTERS[winner if _stem(asked) in category.for_winner else 1 - winner])


def _chosen(category: ChoiceQuestion, asked: Question, facts: Facts) -> Question | None:
    words = [
        word
        for word, things in category.candidates(facts).items()
        for objects, name in things
        if objects == asked.objects and _stem(asked) in {stem.replace("{}", name) for stem in category.stems}
    ]
    if len(words) != 1 or words[0] not in asked.options:
        return None
    return replace(asked, answer=LETTERS[asked.options.index(words[0])])


def _measured(category: Measurement, asked: Question, facts: Facts) -> Question | None:
    values = [value for objects, value in category.candidates(facts) if sorted(objects) == sorted(asked.objects)]
    if len(values) != 1:
        return None
    return replace(asked, value=values[0], answer=format_quantity(values[0], category.unit))
