"""SpatialRGPT-Bench: answers in free words, which the benchmark has GPT-4 read; here they are read by rule.

Its truths are sentences of a few templates, which the same rule reads, so that a truth counts as a right answer.
"""

from __future__ import annotations

import re

from benchmarks.region_qa.answer_parser import Parsed, parse_answer
from benchmarks.region_qa.answers.final_answer import final_answers
from benchmarks.region_qa.answers.writing import plain_writing
from benchmarks.region_qa.tasks.task import Item

YES, NO, HOUR = "yes", "no", "o'clock"
_LEAD = r"^(?:(?:well|sure|that is|that's|this is|it is|the answer is)[\s,:]+)*"
_AGREES = re.compile(_LEAD + r"(?:(?:actually|in fact)[\s,]+)?(?:yes|yeah|yep|correct|indeed|true|affirmative)\b")
_DENIES = re.compile(_LEAD + r"(?:no|nope|not|incorrect|wrong|false|actually|in fact)\b")
_REGION = re.compile(r"<?\bregion(?:\s+marked)?\s*\[?(\d+)\]?>?")
_CLOCK = re.compile(r"\b(1[0-2]|[1-9])(?::00)?\s*o\W{0,2}\s*clock\b")
SHARE = 0.25  # of the truth, on either side


def read_words(truth: str, text: str) -> Parsed:
    """Read an answer of the kind of a truth: yes or no, a region, or an hour of the clock.

    A region is the only one that is named, or the only one before "than". Two different answers are ambiguous.
    """
    kind = "hour" if truth.endswith(HOUR) else truth if truth in (YES, NO) else "region"
    found = set()
    for answer in final_answers(plain_writing(text)):
        low = " ".join(answer.lower().split())
        if kind == "hour":
            found |= {f"{hour} {HOUR}" for hour in _CLOCK.findall(low)}
        elif kind == "region":
            found |= {f"region {number}" for number in _REGION.findall(low.partition(" than ")[0])}
        elif agrees := agreement(low):
            found.add(agrees)
    if len(found) == 1:
        return Parsed(found.pop())
    return Parsed(None, f"ambiguous: {' and '.join(sorted(found))}" if found else "free text")


def agreement(text: str) -> str:
    """Tell whether a text in lower case begins by agreeing or denying; empty if neither."""
    return YES if _AGREES.match(text) else NO if _DENIES.match(text) else ""


def read_metres(text: str) -> Parsed:
    """Read a length in metres; numbers of regions are not lengths."""
    return parse_answer(re.sub(r"(?i)<?\bregion\s*\[?\d+\]?>?", "it", text), (), "m")


def read_spatialrgpt(item: Item, prediction: str) -> Parsed:
    """Read an answer: a length where the truth is one, else words."""
    return read_words(item.question.answer, prediction) if item.question.value is None else read_metres(prediction)


def spatialrgpt(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score 1 for the right words, an hour that differs by one at most, or a length within 25 % of the truth.

    Source: SpatialRGPT (arXiv 2406.01584), section 4.1, and its script, commit 16715d4; there GPT-4 reads the answers.
    """
    truth = item.question.value
    if truth is not None:
        within = isinstance(parsed.value, float) and (1 - SHARE) * truth <= parsed.value <= (1 + SHARE) * truth
        return float(within)
    hours = hours_apart(item, parsed)
    return float(parsed.value == item.question.answer) if hours is None else float(hours <= 1)


def abs_rel(item: Item, prediction: str, parsed: Parsed) -> float | None:
    """Compute |p - t| / t of a length; an answer without a length, or a truth of 0, is left out."""
    truth = item.question.value
    return abs(parsed.value - truth) / truth if truth and isinstance(parsed.value, float) else None


def error_deg(item: Item, prediction: str, parsed: Parsed) -> float | None:
    """Compute the error of a direction in degrees, 30 an hour; an answer without an hour is left out."""
    hours = hours_apart(item, parsed)
    return None if hours is None else 30.0 * hours


def hours_apart(item: Item, parsed: Parsed) -> int | None:
    """Count the hours between answer and truth, the short way round; None where one of them is not an hour."""
    said, truth = str(parsed.value), item.question.answer
    if not (said.endswith(HOUR) and truth.endswith(HOUR)):
        return None
    apart = abs(int(said.split()[0]) - int(truth.split()[0]))
    return min(apart, 12 - apart)
