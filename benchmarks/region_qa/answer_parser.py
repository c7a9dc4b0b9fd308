"""One parser for the answers of all models, so that no arm gains by its style.

First the final answer is found: reasoning and tokens of the template go, wrapping and typography become plain
(`answers.final_answer`, `answers.writing`). Two different final answers are ambiguous.

Multiple choice, in this order (rgpt4d.md 8.9; [N] in its section 5):

1. a letter: "B", "(B)", "B.", "b", "B) red", "The answer is B", "Option B: ..."; two different letters, or a letter and
   the text of another option, are ambiguous; letters that the answer denies do not count;
2. the text of exactly one option: "red", "It is red.", "region 1" for "<region1>";
3. a value that equals exactly one option after unit conversion, to a relative tolerance of 1e-3. It is never snapped to
   the nearest option.

Numbers: one quantity, converted to the unit that was asked for ("140 cm" is 1.4 m). A bare number counts as given in
that unit; a number of something else ("3 objects", "60 frames") does not. Quantities with a fitting unit go before bare
numbers; two that differ are ambiguous. A bound ("less than 2 m") is not a value.

Any other answer is unparsed, with a reason, and scores 0. Reports show the share of unparsed answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from benchmarks.region_qa.answers.choice import after_letter, letters_said, without_copy
from benchmarks.region_qa.answers.final_answer import final_answers
from benchmarks.region_qa.answers.quantities import Quantity, find_quantities, lone_units
from benchmarks.region_qa.answers.units import find_unit
from benchmarks.region_qa.answers.writing import plain_writing

RELATIVE_TOLERANCE = 1e-3  # between two values that count as equal

_LEAD = re.compile(
    r"^(?:(?:it|this|that|there|they)\s*(?:'s|is|are|was|would be)\s+|i (?:think|believe|guess)\s+)*"
    r"(?:(?:the|a|an)\s+)?"
)


@dataclass(frozen=True)
class Parsed:
    """The content of an answer: a letter, a number in the unit of the question, or None with the reason."""

    value: str | float | None
    reason: str = ""


def parse_answer(text: str, options: Sequence[str] = (), unit: str = "") -> Parsed:
    """Read the answer to a multiple choice question (with `options`) or to a numeric one (in `unit`).

    Raises:
        ValueError: there are more options than letters, or `unit` is unknown.
    """
    if len(options) > len(ascii_uppercase):
        raise ValueError(f"a question can have at most {len(ascii_uppercase)} options, A to Z; got {len(options)}")
    if unit and find_unit(unit) is None:
        raise ValueError(f"unknown unit {unit!r}: ask for one such as m, m^2, m/s, s or degrees")
    answers = final_answers(plain_writing(text))
    read = [parse_choice(answer, options) if options else parse_number(answer, unit) for answer in answers]
    if not read:
        return Parsed(None, "no answer after the reasoning" if text.strip() else "empty answer")
    if any(one.value != read[0].value for one in read):
        return Parsed(None, f"ambiguous: {len(read)} different final answers")
    return read[0]


def parse_choice(text: str, options: Sequence[str]) -> Parsed:
    """Parse a letter, the text of an option, or a value that equals exactly one option."""
    letters = ascii_uppercase[: len(options)]
    options = [plain_writing(option) for option in options]
    text = without_copy(text, letters, options)
    said = letters_said(text)
    named = {letter for letter, option in zip(letters, options, strict=True) if plain(text) == plain(option)}
    if len(said) == 1:
        after = after_letter(text)
        named = {letter for letter, option in zip(letters, options, strict=True) if plain(after) == plain(option)}
        if not named and find_quantities(after) and (value := parse_value(after, options).value):
            named = {str(value)}
    if len(said | named) > 1:
        return Parsed(None, f"ambiguous: says {' and '.join(sorted(said | named))}")
    if not said <= set(letters):
        return Parsed(None, f"letter {said.pop()} is none of the options {letters[0]} to {letters[-1]}")
    if found := said or named:
        return Parsed(found.pop())
    return parse_value(text, options)


def parse_value(text: str, options: Sequence[str]) -> Parsed:
    """Find the one option that equals the value in the answer."""
    said = [quantity for quantity in find_quantities(text) if quantity.stated]
    if len(said) != 1:
        return Parsed(None, "free text" if not said else "ambiguous: several numbers")
    equal = [
        letter
        for letter, option in zip(ascii_uppercase, options, strict=False)
        if len(offered := find_quantities(option)) == 1 and offered[0].stated and same(said[0], offered[0])
    ]
    if len(equal) == 1:
        return Parsed(equal[0])
    return Parsed(None, "value equals no option" if not equal else f"ambiguous: value equals {' and '.join(equal)}")


def parse_number(text: str, unit: str) -> Parsed:
    """Read one number in `unit`; it may come in any unit of the same kind."""
    dimension, size = find_unit(unit) or ("", 1.0)
    said = find_quantities(text)
    stated = [quantity for quantity in said if quantity.stated]
    fitting = [quantity for quantity in stated if quantity.unit and quantity.dimension == dimension]
    if not fitting:
        fitting = [quantity for quantity in stated if not quantity.unit and not (unit and quantity.counted)]
        others = {name for name in lone_units(text) if (other := find_unit(name)) and other[0] == dimension != ""}
        if fitting and any(find_unit(name) != (dimension, size) for name in others):
            return Parsed(None, f"ambiguous: a bare number beside {' and '.join(sorted(others))}")
    if not fitting:
        if said and not stated:
            return Parsed(None, f"{said[0].number:g} {said[0].unit} is a bound or denied".replace("  ", " "))
        return Parsed(
            None,
            f"{stated[0].number:g} {stated[0].unit or stated[0].counted} is not in {unit}" if said else "no number",
        )
    values = [quantity.to(unit) for quantity in fitting]
    if not all(map(math.isfinite, values)):
        return Parsed(None, "the number is not finite")
    if any(not math.isclose(values[0], value, rel_tol=RELATIVE_TOLERANCE) for value in values):
        return Parsed(None, f"ambiguous: {len(values)} different numbers")
    return Parsed(values[0])


def same(one: Quantity, other: Quantity) -> bool:
    """Compare after conversion; a bare number takes the unit of the other, or what it counts."""
    for first, second in ((one, other), (other, one)):
        if first.counted and (second.unit or second.counted not in ("", first.counted)):
            return False
    if one.unit and other.unit and one.dimension != other.dimension:
        return False
    unit = first.unit or second.unit
    return math.isclose(first.to(unit), second.to(unit), rel_tol=RELATIVE_TOLERANCE)


def plain(text: str) -> str:
    """Normalise text: lower case, without lead-in, article and punctuation; "<region1>" becomes "region 1"."""
    text = re.sub(r"<?region[\s_]*\[?(\d+)\]?>?", r"region \1", text.lower().strip(" \n.,;:!?*\"'()"))
    return re.sub(r"\s+", " ", _LEAD.sub("", text, count=1)).strip()
