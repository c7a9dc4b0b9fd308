"""Questions with their answers as HTML, for the web app and for cards."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.regions.drawing import region_colour

_MENTION = re.compile(r"&lt;region(\d+)&gt;")
_OPTION = re.compile(r"\(([A-D])\) (.+?)(?= \([A-D]\) |$)")
STYLE = (Path(__file__).parent / "assets" / "answers.css").read_text()  # of this HTML, in colours that a page defines
NOTHING = '<div class="r4d-empty">Answers appear here, with what each model was given.</div>'


@dataclass(frozen=True)
class Answer:
    """What one model said of a question. `given` says what it was given, one line each."""

    model: str
    text: str
    seconds: float
    given: Sequence[str]


@dataclass(frozen=True)
class Refusal:
    """Why a model did not answer."""

    model: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What one arm of a study said of a question, whether that was right, and why it counts as wrong."""

    arm: str
    text: str
    right: bool
    reason: str = ""


def coloured(text: str) -> str:
    """Escape a text for HTML, with every `<region k>` on the colour of its region."""

    def chip(found: re.Match[str]) -> str:
        red, green, blue = region_colour(int(found[1]))
        return f'<span class="r4d-mention" style="background:rgb({red},{green},{blue})">{found[0]}</span>'

    return _MENTION.sub(chip, html.escape(text))


def with_option(answer: str, question: str) -> str:
    """Write what a letter of an answer stands for: "B: <region1>"."""
    options = dict(_OPTION.findall(question))
    return f"{answer}: {options[answer]}" if answer in options else answer


def answer_cards(question: str, answers: Sequence[Answer | Refusal], truth: str | None, waiting: str = "") -> str:
    """Write a question, the exact answer where it is known, and what each model said."""
    cards = "".join(map(_card, answers))
    wait = f'<p class="r4d-waiting" role="status">{html.escape(waiting)}</p>' if waiting else ""
    return f'<div class="r4d-answers" aria-live="polite">{_asked(question, truth)}{cards}{wait}</div>'


def verdict_table(question: str, truth: str, verdicts: Sequence[Verdict]) -> str:
    """Write a question, its exact answer, and what each arm of a study said, right or wrong."""
    rows = "".join(
        f"<tr><td>{html.escape(each.arm)}</td><td>{coloured(each.text)}</td><td>{_mark(each)}</td></tr>"
        for each in verdicts
    )
    head = "<thead><tr><th>arm</th><th>answer</th><th>verdict</th></tr></thead>"
    table = f'<div class="r4d-wide"><table class="r4d-table">{head}<tbody>{rows}</tbody></table></div>'
    return f'<div class="r4d-answers">{_asked(question, truth)}{table}</div>'


def right_mark(right: bool) -> str:
    """Write "right" or "wrong", in its colour and with a sign."""
    return '<span class="r4d-right">✓ right</span>' if right else '<span class="r4d-wrong">✗ wrong</span>'


def _mark(verdict: Verdict) -> str:
    reason = f' <small class="r4d-subdued">{html.escape(verdict.reason)}</small>' if verdict.reason else ""
    return right_mark(verdict.right) + reason


def _asked(question: str, truth: str | None) -> str:
    exact = "" if truth is None else f'<p class="r4d-truth"><b>Exact answer</b> {coloured(truth)}</p>'
    return f'<p class="r4d-question">{coloured(question)}</p>{exact}'


def _card(answer: Answer | Refusal) -> str:
    name = f'<span class="r4d-model">{html.escape(answer.model)}</span>'
    if isinstance(answer, Refusal):
        return f'<section class="r4d-card">{name}<p class="r4d-refusal">{coloured(answer.reason)}</p></section>'
    given = "".join(f"<li>{coloured(line)}</li>" for line in answer.given)
    return (
        f'<section class="r4d-card">{name}<span class="r4d-time">{answer.seconds:.2f} s</span>'
        f'<p class="r4d-answer">{coloured(answer.text)}</p>'
        f"<details open><summary>What it was given</summary><ul>{given}</ul></details></section>"
    )
