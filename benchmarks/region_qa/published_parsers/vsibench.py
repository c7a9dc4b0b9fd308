"""VSI-Bench and VSTI-Bench: the first word of an answer, or, as lmms-eval reads it, its first number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from benchmarks.region_qa.answer_parser import Parsed
from benchmarks.region_qa.tasks.task import Item

# VSI-Bench computes its thresholds, so that one of them is just below .9: at an error of exactly 10 % its MRA counts a
# threshold that ours, and the paper's formula, do not.
COMPUTED_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_DIGITS, _LETTERS = re.compile(r"-?\d+(?:\.\d+)?"), re.compile(r"[a-z]+")
_BELOW_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = (
    {word: value for value, word in enumerate(_BELOW_TWENTY.split())}
    | {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}
    | {"hundred": 100, "thousand": 1000}
)


def vsibench(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score as VSI-Bench and VSTI-Bench do: only what stands before the first blank counts.

    A letter must equal the right one, whatever its case. A number must be nothing but a number, and is scored by MRA.
    Source: thinking-in-space, commit e6a72f3.
    """
    return _vsibench(item, prediction, _float(first_word(prediction)))


def vsibench_lmms_eval(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score as lmms-eval 0.7.3 scores VSI-Bench: as `vsibench`, but the first number in the answer counts."""
    return _vsibench(item, prediction, first_number(prediction))


def _vsibench(item: Item, prediction: str, number: float | None) -> float:
    if item.question.value is None:
        return float(first_word(prediction).lower() == item.question.answer.lower())
    return 0.0 if number is None else computed_mra(number, item.question.value)


def computed_mra(number: float, truth: float) -> float:
    """Score by MRA at the thresholds as VSI-Bench computes them."""
    return float((abs(number - truth) / truth <= 1 - COMPUTED_THRESHOLDS).mean())


def first_word(text: str) -> str:
    """Take what stands before the first blank, without dots at its end."""
    return text.split(" ")[0].rstrip(".").strip()


def first_number(text: str) -> float | None:
    """Read the first number of a text: digits, or words that follow each other; None without one."""
    low = text.strip().lower()
    digits = _DIGITS.search(low)
    words = [(found.start(), found[0]) for found in _LETTERS.finditer(low)]
    first = next((k for k, (_, word) in enumerate(words) if word in _WORDS), None)
    if digits is not None and (first is None or digits.start() < words[first][0]):
        return float(digits[0])
    if first is None:
        return None
    run = takewhile(lambda word: word in _WORDS or word == "and", (word for _, word in words[first:]))
    return _spoken([_WORDS[word] for word in run if word != "and"])


def _spoken(values: Sequence[int]) -> float:
    total = current = 0
    for value in values:
        if value == 100:
            current = 100 * max(current, 1)
        elif value == 1000:
            total, current = total + 1000 * max(current, 1), 0
        else:
            current += value
    return float(total + current)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
