"""One parser for the answers of all models, so that no arm gains by its manner of speaking.

Multiple choice, in this order (rgpt4d.md 8.9; [N] in its section 5):

1. a letter: "B", "(B)", "B.", "b", "B) red", "The answer is B", "Option B: ..."; two different letters, or a letter and
   the text of another option, are ambiguous;
2. the text of exactly one option: "red", "It is red.", "region 1" for "<region1>";
3. a value that equals exactly one option after conversion of units, to a relative tolerance of 1e-3. It is never
   snapped to the nearest option.

Numbers: one quantity, converted to the unit that was asked for ("140 cm" is 1.4 m). A bare number counts as given in
that unit. Quantities with a fitting unit go before bare numbers; two that differ are ambiguous.

What fits nothing of this stays unparsed, with the reason, and scores 0. Reports show the share of unparsed answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from benchmarks.region_qa.quantities import UNITS, Quantity, find_quantities

SAME = 1e-3  # relative tolerance between two values that are the same

_ANSWER = re.compile(r"\banswer\b(?:[^.:\n]{0,40}?\bis\b|\s*[:=])\s*[:=]?\s*", re.IGNORECASE)
_LEAD = re.compile(r"^(?:(?:it|this|that|there|they)\s*(?:'s|is|are|was|would be)\s+)?(?:(?:the|a|an)\s+)?")
_LETTER = re.compile(
    r"\(([A-Z])\)"  # (B)
    r"|^([A-Z])(?=$|[.:;,)/\n]|\s+(?:or|and|because|since|as|is)\b)"  # B.   B) red   A because ...
    r"|^([B-H])\s"  # B red; a leading A may be the article, a leading I the pronoun
    r"|\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer)\s+([A-Z])\b"  # Option B
    r"|(?:\bor|\band|/|,)\s*([A-Z])\W*$"  # A or B
)
_LONE_LETTER = re.compile(r"\(?([A-Za-z])\W*")


@dataclass(frozen=True)
class Parsed:
    """The content of an answer: a letter, or a number in the unit of the question; else None, with the reason."""

    value: str | float | None
    reason: str = ""


def parse_answer(text: str, options: Sequence[str] = (), unit: str = "") -> Parsed:
    """Read the answer to a multiple choice question (with `options`) or to a numeric one (in `unit`)."""
    answer = text
    for phrase in _ANSWER.finditer(text):  # the last "the answer is" counts
        answer = text[phrase.end() :] or answer
    answer = answer.strip(" \n*_`")
    answer = answer.strip('"') if answer.startswith('"') else answer  # not the inches of 5'3"
    if not answer:
        return Parsed(None, "empty answer")
    return parse_choice(answer, options) if options else parse_number(answer, unit)


def parse_choice(text: str, options: Sequence[str]) -> Parsed:
    """Read a letter, the text of an option, or a value that equals exactly one option."""
    letters = ascii_uppercase[: len(options)]
    lone = _LONE_LETTER.fullmatch(text)
    said = {lone[1].upper()} if lone else {"".join(groups) for groups in _LETTER.findall(text)}
    named = {letter for letter, option in zip(letters, options, strict=True) if plain(text) == plain(option)}
    if len(said) == 1:
        after = re.sub(r"^\W*[A-Z]\W+", "", text)
        named = {letter for letter, option in zip(letters, options, strict=True) if plain(after) == plain(option)}
    if len(said | named) > 1:
        return Parsed(None, f"ambiguous: says {' and '.join(sorted(said | named))}")
    if not said <= set(letters):
        return Parsed(None, f"letter {said.pop()} is none of the options {letters[0]} to {letters[-1]}")
    if found := said or named:
        return Parsed(found.pop())
    return parse_value(text, options)


def parse_value(text: str, options: Sequence[str]) -> Parsed:
    """Find the one option that equals the value in the answer."""
    said = find_quantities(text)
    if len(said) != 1:
        return Parsed(None, "free text" if not said else "ambiguous: several numbers")
    equal = [
        letter
        for letter, option in zip(ascii_uppercase, options, strict=False)
        if len(offered := find_quantities(option)) == 1 and same(said[0], offered[0])
    ]
    if len(equal) == 1:
        return Parsed(equal[0])
    return Parsed(None, "value equals no option" if not equal else f"ambiguous: value equals {' and '.join(equal)}")


def parse_number(text: str, unit: str) -> Parsed:
    """Read one number in `unit`; it may come in any unit of the same kind.

    Raises:
        ValueError: `unit` is unknown.
    """
    if unit and unit not in UNITS:
        raise ValueError(f"a unit to answer in must be one of {', '.join(UNITS)}, got {unit!r}")
    said = find_quantities(text)
    fitting = [q for q in said if unit and q.unit and q.dimension == UNITS[unit][0]] or [q for q in said if not q.unit]
    if not fitting:
        return Parsed(None, f"{said[0].number:g} {said[0].unit} is not in {unit}" if said else "no number")
    values = [q.to(unit) for q in fitting]
    if any(not math.isclose(values[0], v, rel_tol=SAME) for v in values):
        return Parsed(None, f"ambiguous: {len(values)} different numbers")
    return Parsed(values[0])


def same(one: Quantity, other: Quantity) -> bool:
    """Compare after conversion; a bare number takes the unit of the other."""
    if one.unit and other.unit and one.dimension != other.dimension:
        return False
    unit = one.unit or other.unit
    return math.isclose(one.to(unit), other.to(unit), rel_tol=SAME)


def plain(text: str) -> str:
    """Reduce to the words that matter: lower case, no lead-in, article or punctuation; "<region1>" is "region 1"."""
    text = re.sub(r"<?region[\s_]*\[?(\d+)\]?>?", r"region \1", text.lower().strip(" \n.,;:!?*\"'()"))
    return re.sub(r"\s+", " ", _LEAD.sub("", text, count=1)).strip()
