"""What one system of the demo showed: answers with their truth, pictures, and what they are."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One answer, or measurement, of one model, and the truth or the baseline to hold it against."""

    asked: str
    model: str
    answer: str
    truth: str


@dataclass(frozen=True)
class Section:
    """One system: `about` says what ran and what did not; `pictures` are names of files in the folder."""

    title: str
    about: str
    answers: Sequence[Answer]
    pictures: Sequence[str] = ()


def to_text(sections: Sequence[Section]) -> str:
    """Write the answers for the terminal, the truth beside each."""
    lines = []
    for section in sections:
        lines.append(section.title)
        width = max((len(each.model) for each in section.answers), default=0)
        asked = ""
        for each in section.answers:
            if each.asked != asked:
                lines.append(f"  {each.asked}")
                asked = each.asked
            lines.append(f"    {each.model:{width}}  {each.answer}  ({each.truth})")
        if not section.answers:
            lines.append(f"  {section.about}")
    return "\n".join(lines)


def to_html(sections: Sequence[Section]) -> str:
    """Write the index: one page that names every picture, and asks no other host for anything."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>region4d demo</title>",
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
        "img{max-width:100%}td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}</style>",
        "<h1>region4d demo</h1>",
    ]
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2><p>{html.escape(section.about)}</p>")
        if section.answers:
            cells = [(each.asked, each.model, each.answer, each.truth) for each in section.answers]
            rows = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in cells]
            head = "<tr><th>asked<th>model<th>answer<th>truth or baseline</tr>"
            parts.append(f"<table>{head}{''.join(f'<tr>{row}</tr>' for row in rows)}</table>")
        for name in section.pictures:
            path = html.escape(name, quote=True)
            tag = f'<img src="{path}" alt="{path}">' if name.endswith(".png") else path
            parts.append(f'<p><a href="{path}">{tag}</a></p>')
    return "\n".join(parts) + "\n"
