"""Baselines that see the question but no picture: the most frequent answers in training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benchmarks.metrics import ratio_accuracy
from scenes.questions import LETTERS, Question


@dataclass(frozen=True)
class BlindScore:
    """Accuracy of blind answers in one category; `chance` is the accuracy of a random option (None if numeric)."""

    accuracy: float
    chance: float | None
    count: int


def by_category(question: Question) -> Hashable:
    """Group questions by category."""
    return question.category


def by_text(question: Question) -> Hashable:
    """Group questions by category and full text."""
    return question.category, question.text


def majority(
    train: Sequence[Question], test: Sequence[Question], group: Callable[[Question], Hashable] = by_category
) -> dict[str, BlindScore]:
    """Answer each test question with the letter or number that scored best in training on its group.

    A question whose group does not occur in training uses its category. A number is the best constant within a ratio
    of 1.25.
    """
    groups: defaultdict[Hashable, list[Question]] = defaultdict(list)
    for question in train:
        groups[question.category].append(question)
        groups[group(question)].append(question)
    best = {key: best_constant(questions) for key, questions in groups.items()}
    return summarise(test, [best.get(group(q), best.get(q.category)) for q in test])


def favourite_option(train: Sequence[Question], test: Sequence[Question]) -> dict[str, BlindScore]:
    """Answer multiple-choice questions with the option that was most often true when offered in training."""
    offered: Counter[tuple[str, str]] = Counter()
    true: Counter[tuple[str, str]] = Counter()
    for question in train:
        offered.update((question.category, option) for option in question.options)
        if question.options:
            true[question.category, question.options[LETTERS.index(question.answer)]] += 1
    rate = {key: true[key] / count for key, count in offered.items()}
    choice = [q for q in test if q.options]
    favourites = [max(q.options, key=lambda option, of=q.category: rate.get((of, option), 0.0)) for q in choice]
    return summarise(choice, [LETTERS[q.options.index(o)] for q, o in zip(choice, favourites, strict=True)])


def best_constant(questions: Sequence[Question]) -> str | float:
    """Find the one answer that scores best on these questions, which are all numeric or all multiple choice."""
    values = [q.value for q in questions if q.value is not None]
    if values:
        return best_number(np.array(values))
    return Counter(q.answer for q in questions).most_common(1)[0][0]


def best_number(values: Float[np.ndarray, "item"], ratio: float = 1.25) -> float:
    """Find the number within a ratio of the most values: the centre, in logarithms, of their window."""
    ordered = np.sort(np.log(values))
    width = 2 * np.log(ratio) * (1 - 1e-9)  # the bound is exclusive
    last = np.searchsorted(ordered, ordered + width, side="right") - 1
    first = int((last - np.arange(len(ordered))).argmax())
    return float(np.exp((ordered[first] + ordered[last[first]]) / 2))


def summarise(questions: Sequence[Question], guesses: Sequence[str | float | None]) -> dict[str, BlindScore]:
    """Score guesses by category."""
    groups: defaultdict[str, list[tuple[Question, str | float | None]]] = defaultdict(list)
    for question, guess in zip(questions, guesses, strict=True):
        groups[question.category].append((question, guess))
    scores = {}
    for name, pairs in groups.items():
        if pairs[0][0].options:
            accuracy = float(np.mean([guess == q.answer for q, guess in pairs]))
            scores[name] = BlindScore(accuracy, float(np.mean([1 / len(q.options) for q, _ in pairs])), len(pairs))
        else:
            numbers = np.array([guess if isinstance(guess, float) else np.nan for _, guess in pairs])
            truths = np.array([q.value for q, _ in pairs], dtype=np.float64)
            scores[name] = BlindScore(float(ratio_accuracy(numbers, truths).mean()), None, len(pairs))
    return scores
