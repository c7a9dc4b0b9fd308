"""One parser for the answers of all models, so that no arm gains by its style.

Multiple choice, in this order (rgpt4d.md 8.9; [N] in its section 5):

1. a letter: "B", "(B)", "B.", "b", "B) red", "The answer is B", "Option B: ..."; two different letters, or a letter and
   the text of another option, are ambiguous;
2. the text of exactly one option: "red", "It is red.", "region 1" for "<region1>";
3. a value that equals exactly one option after unit conversion, to a relative tolerance of 1e-3. It is never snapped to
   the nearest option.

Numbers: one quantity, converted to the unit of the question ("140 cm" is 1.4 m). A number without a unit is taken to be
in that unit. Quantities with a compatible unit take precedence over numbers without one; two different ones are
ambiguous.

Any other answer is unparsed, with a reason, and scores 0. Reports show the share of unparsed answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from benchmarks.region_qa.quantities import UNITS, Quantity, find_quantities

RELATIVE_TOLERANCE = 1e-3  # between two values that count as equal

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
    """The content of an answer: a letter, a number in the unit of the question, or None with the reason."""

    value: str | float | None
    reason: str = ""


def parse_answer(text: str, options: Sequence[str] = (), unit: str = "") -> Parsed:
    """Parse the answer to a multiple-choice question (with `options`) or to a numeric one (in `unit`)."""
    answer = text
    for phrase in _ANSWER.finditer(text):  # the last "the answer is" counts
        answer = text[phrase.end() :] or answer
    answer = answer.strip(" \n*_`")
    answer = answer.strip('"') if answer.startswith('"') else answer  # not the inches of 5'3"
    if not answer:
        return Parsed(None, "empty answer")
    return parse_choice(answer, options) if options else parse_number(answer, unit)


def parse_choice(text: str, options: Sequence[str]) -> Parsed:
    """Parse a letter, the text of an option, or a value that equals exactly one option."""
    letters = ascii_uppercase[: len(options)]
    lone = _LONE_LETTER.fullmatch(text)
    by_letter = {lone[1].upper()} if lone else {"".join(groups) for groups in _LETTER.findall(text)}
    rest = re.sub(r"^\W*[A-Z]\W+", "", text) if len(by_letter) == 1 else text
    by_text = {letter for letter, option in zip(letters, options, strict=True) if plain(rest) == plain(option)}
    chosen = by_letter | by_text
    if len(chosen) > 1:
        return Parsed(None, f"ambiguous: says {' and '.join(sorted(chosen))}")
    if not chosen <= set(letters):
        return Parsed(None, f"letter {chosen.pop()} is none of the options {letters[0]} to {letters[-1]}")
    return Parsed(chosen.pop()) if chosen else parse_value(text, options)


def parse_value(text: str, options: Sequence[str]) -> Parsed:
    """Find the one option whose value equals that of the answer."""
    quantities = find_quantities(text)
    if len(quantities) != 1:
        return Parsed(None, "free text" if not quantities else "ambiguous: several numbers")
    equal = [
        letter
        for letter, option in zip(ascii_uppercase, options, strict=False)
        if len(offered := find_quantities(option)) == 1 and same(quantities[0], offered[0])
    ]
    if len(equal) == 1:
        return Parsed(equal[0])
    return Parsed(None, "value equals no option" if not equal else f"ambiguous: value equals {' and '.join(equal)}")


def parse_number(text: str, unit: str) -> Parsed:
    """Parse one number and convert it to `unit`.

    Raises:
        ValueError: `unit` is unknown.
    """
    if unit and unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r} of an answer: choose one of {', '.join(UNITS)}")
    quantities = find_quantities(text)
    compatible = [q for q in quantities if unit and q.unit and q.dimension == UNITS[unit][0]]
    compatible = compatible or [q for q in quantities if not q.unit]
    if not compatible:
        first = quantities[0] if quantities else None
        return Parsed(None, f"{first.number:g} {first.unit} is not in {unit}" if first else "no number")
    values = [q.to(unit) for q in compatible]
    if any(not math.isclose(values[0], v, rel_tol=RELATIVE_TOLERANCE) for v in values):
        return Parsed(None, f"ambiguous: {len(values)} different numbers")
    return Parsed(values[0])


def same(first: Quantity, second: Quantity) -> bool:
    """Tell whether two quantities are equal after conversion; a number without a unit takes that of the other."""
    if first.unit and second.unit and first.dimension != second.dimension:
        return False
    unit = first.unit or second.unit
    return math.isclose(first.to(unit), second.to(unit), rel_tol=RELATIVE_TOLERANCE)


def plain(text: str) -> str:
    """Normalise text: lower case, without lead-in, article and punctuation; "<region1>" becomes "region 1"."""
    text = re.sub(r"<?region[\s_]*\[?(\d+)\]?>?", r"region \1", text.lower().strip(" \n.,;:!?*\"'()"))
    return re.sub(r"\s+", " ", _LEAD.sub("", text, count=1)).strip()
