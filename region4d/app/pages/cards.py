"""Answers as cards of HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from models.regions.drawing import region_colour
from region4d.app.systems import Answer, System
from region4d.footage import MarkedClip

_MENTION = re.compile(r"&lt;region(\d+)&gt;")
NOTHING = '<div class="r4d-empty">Answers appear here, with what each model was given.</div>'


def coloured(text: str) -> str:
    """Escape a text for HTML, with every `<region k>` on the colour of its region."""

    def chip(found: re.Match[str]) -> str:
        red, green, blue = region_colour(int(found[1]))
        return f'<span class="r4d-mention" style="background:rgb({red},{green},{blue})">{found[0]}</span>'

    return _MENTION.sub(chip, html.escape(text))


def answer_cards(question: str, answers: Sequence[Answer | Refusal], truth: str | None, waiting: str = "") -> str:
    """Write a question, the exact answer where it is known, and what each model said."""
    parts = [f'<p class="r4d-question">{coloured(question)}</p>']
    if truth is not None:
        parts.append(f'<p class="r4d-truth"><b>Exact answer</b> {coloured(truth)}</p>')
    parts += [_card(answer) for answer in answers]
    if waiting:
        parts.append(f'<p class="r4d-waiting" role="status">{html.escape(waiting)}</p>')
    return f'<div class="r4d-answers" aria-live="polite">{"".join(parts)}</div>'


class Refusal:
    """Why a model did not answer."""

    def __init__(self, model: str, reason: str) -> None:
        self.model, self.reason = model, reason


def said_by(system: System, footage: MarkedClip, question: str) -> Iterator[Answer | Refusal]:
    """Ask a model and follow its answer word by word; what it cannot be asked is its refusal."""
    try:
        yield from system.stream(footage, question)
    except ValueError as error:
        yield Refusal(system.name, str(error))


def answer_of(system: System, footage: MarkedClip, question: str) -> Answer | Refusal:
    """Ask a model and wait for the whole answer."""
    *_, whole = said_by(system, footage, question)
    return whole


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
