"""Quantities in the text of an answer: "about 140 cm", "5 feet 3 inches", "3 km/h", "two metres"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_TABLE = (  # dimension, size in m, m/s, s or degrees, names
    ("length", 1.0, "m|metre|metres|meter|meters"),
    ("length", 0.01, "cm|centimetre|centimetres|centimeter|centimeters"),
    ("length", 0.001, "mm|millimetre|millimetres|millimeter|millimeters"),
    ("length", 1000.0, "km|kilometre|kilometres|kilometer|kilometers"),
    ("length", 0.0254, 'in|inch|inches|"|″'),
    ("length", 0.3048, "ft|foot|feet|'|′"),
    ("speed", 1.0, "m/s|mps|metres per second|meters per second|metre per second|meter per second"),
    ("speed", 0.01, "cm/s|centimetres per second|centimeters per second"),
    ("speed", 1 / 3.6, "km/h|kph|kmh|kilometres per hour|kilometers per hour"),
    ("speed", 0.44704, "mph|miles per hour"),
    ("speed", 0.3048, "ft/s|feet per second"),
    ("time", 1.0, "s|sec|secs|second|seconds"),
    ("time", 0.001, "ms|millisecond|milliseconds"),
    ("time", 60.0, "min|minute|minutes"),
    ("angle", 1.0, "degrees|degree|deg|°"),
    ("angle", 180 / math.pi, "rad|radian|radians"),
)
UNITS = {name: (dimension, size) for dimension, size, names in _TABLE for name in names.split("|")}
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_LONGEST_FIRST = sorted(UNITS, key=len, reverse=True)
_UNIT = (
    "(?:" + "|".join(re.escape(n) for n in _LONGEST_FIRST if n[-1].isalpha() and n != "in") + r")(?![\w/])"
    r"|in(?=\s*(?:$|[.,;:)]|\d))"  # "3 in", but not "3 in total"
    r"|[\"″'′°]"
)
_NUMBER = r"[-+−]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?"
_QUANTITY = re.compile(rf"(?<![\w.])({_NUMBER})(?:(?:\s*-?\s*({_UNIT}))|(?!\w|\.\d))")
_ANY_WORD = "|".join(_WORDS)
_WORD = re.compile(rf"\b(?:{_ANY_WORD})\b(?=\s*-?\s*(?:{_UNIT}))|(?!one)\b(?:{_ANY_WORD})(?=\W*$)|^one(?=\W*$)")
_AND = re.compile(r"\W*(?:and\W*)?")
_OR = re.compile(r"\s*(?:-|–|to|or|and)\s*")


@dataclass(frozen=True)
class Quantity:
    """A number and its unit as written; "" without a unit."""

    number: float
    unit: str = ""

    @property
    def dimension(self) -> str:
        """The dimension of the unit: length, speed, time or angle; "" without a unit."""
        return UNITS[self.unit][0] if self.unit else ""

    def to(self, unit: str) -> float:
        """Convert to `unit`; a number without a unit is taken to be in `unit` already.

        Raises:
            ValueError: the units have different dimensions.
        """
        if not self.unit or not unit:
            return self.number
        if UNITS[unit][0] != self.dimension:
            raise ValueError(f"cannot convert {self.number:g} {self.unit} to {unit}: give a {UNITS[unit][0]}")
        return self.number * (UNITS[self.unit][1] / UNITS[unit][1])


def find_quantities(text: str) -> list[Quantity]:
    """List the quantities in a text, in order; feet followed by inches are one, "1.4 to 1.6 m" is two, both in metres.

    Thousands may have commas. Number words up to twelve count before a unit or at the end of the text, except in "the
    red one". Names with digits ("region 2", "<region0>", "3D") are not quantities.
    """
    text = re.sub(r"<?\bregion[\s_]*\[?\d+\]?>?", "region", text.lower())
    text = _WORD.sub(lambda m: str(_WORDS.index(m[0])), text)
    quantities: list[Quantity] = []
    end = 0
    for match in _QUANTITY.finditer(text):
        number = float(match[1].replace(",", "").replace("−", "-"))
        quantity = Quantity(number, match[2] or "")
        between = text[end : match.start()]
        if quantities and _is(quantities[-1], "ft") and _is(quantity, "in") and _AND.fullmatch(between):
            quantity = Quantity(quantities.pop().number * 12 + number, "in")
        elif quantities and not quantities[-1].unit and _OR.fullmatch(between):
            quantities[-1] = Quantity(quantities[-1].number, quantity.unit)
        quantities.append(quantity)
        end = match.end()
    return quantities


def _is(quantity: Quantity, unit: str) -> bool:
    return bool(quantity.unit) and UNITS[quantity.unit] == UNITS[unit]
