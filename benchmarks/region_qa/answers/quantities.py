"""Quantities in the words of a model: "about 140 cm", "5 feet 3 inches", "3 km/h", "two metres", "1 1/2 ft"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from benchmarks.region_qa.answers.numerals import NUMBER, number, write_digits
from benchmarks.region_qa.answers.units import SPELLED, UNIT, find_unit

_REGION = re.compile(r"<?\bregions?[\s_]*\[?\d+\]?>?")
_LABEL = re.compile(  # "frame 3", "objects 1 and 2": names, no quantities
    r"(?:\b(?:regions?|frames?|images?|img|pictures?|photos?|objects?|obj|steps?|options?|choices?|views?|cameras?|cam"
    r"|figures?|fig|points?|pages?|questions?|items?|boxe?s?|markers?|labels?|ids?|no\.|nr\.)[\s_#]*|#)\[?\d+\]?"
    rf"(?![.,]?\d|\s*-?\s*{UNIT}|\s*/)(?:\s*(?:,|and|&)\s*\d+\]?(?![.,]?\d|\s*-?\s*{UNIT}))*"
)
_ENDLESS, _ENDLESS_DECIMALS = re.compile(r"\d{40,}"), re.compile(r"([.,]\d{30})\d+")
_ROOT = re.compile(r"[\d.]*\s*\*?\s*(?:√|\bsqrt\b)\s*\(?[\d.]+\)?")
_TOLERANCE = re.compile(rf"(?:±|\+/-|\+-)\s*\d+(?:[.,]\d+)?\s*%?(?:\s*{UNIT})?")
_UNIT_FIRST = re.compile(rf"(?:[(\[]|\bin\s+)(?:in\s+)?({UNIT})\s*[)\]]?\s*[:=]\s*([-+]?[\d.,/]*\d)(?!\s*{UNIT})")
_PER_UNIT_FIRST = re.compile(rf"每\s*(秒钟?|小时|分钟)\s*(?:走|移动|行驶)?\s*([\d.]+)\s*({UNIT})")
_ONE_UNIT = re.compile(
    r"(?P<before>^\W*|\b(?:about|approximately|roughly|around|nearly|almost|exactly|is|just)\s+)an?\s+"
    rf"(?P<unit>(?=[a-z]{{4}}|foot|inch|mile|yard){UNIT})(?=\W*(?:$|\b(?:away|apart|from|wide|long|tall|high|deep|and)\b))"
)
_QUANTITY = re.compile(
    rf"(?<![\w.^/€£¥])(?<!\d,)(?<!\d/\s){NUMBER}"
    rf"(?:(?:\s*-?\s*|\s+(?:of\s+)?(?:an?|one)\s+|\s+in\s+(?=\w\w)|\s*[(\[]\s*(?:in\s+)?|\s*[)\]]\s*)(?P<unit>{UNIT})|(?![\wπ]|\.\d))"
)
_FOLLOWER = re.compile(r"[^\S\n]*(?P<sign>[%‰$€£¥℃]|×(?!\s*\d))|[^\S\n]*-?[^\S\n]*\(?(?P<word>[^\W\d_][\w/^]*|°)")
_NO_UNIT_WORDS = (  # words behind a bare number that are not what it counts
    "is was are be will would from away apart between to and or at as based because since so approximately about "
    "roughly far long wide tall high deep total overall which if when while given assuming the this that it i we but "
    "though however with along across left right"
)
_NO_UNIT = frozenset(_NO_UNIT_WORDS.split())
_COLOUR_AT_END = re.compile(r"[\s,]*(?:red|orange|yellow|green|cyan|blue|purple|white|black|gr[ae]y|brown|pink)\W*$")
_IN_TOTAL = re.compile(r"\s*in\s+(?:total|all|length|width|height|depth|size|distance|the\s+end)\b")
_NOT_STATED = re.compile(
    r"(?:\b(?:not|never|isn't|no|more than|less than|fewer than|greater than|larger than|smaller than|longer than"
    r"|shorter than|farther than|further than|closer than|higher than|lower than|beyond|exceeds?|exceeding|at least"
    r"|at most|up to|minimum of|maximum of|within"
    r"|(?<!just )(?<!slightly )(?<!little )(?<!bit )(?:under|over|above|below))"
    r"|不到|不足|超过|大于|小于|至少|至多|最多|不是|(?<![-=])>=?|<=?(?![-=])|[≤≥])\s*(?:about\s+|an?\s+)?$"
)
_NEAR = re.compile(
    r"\b(?:slightly|just|little|bit)\s+(?:more|less|longer|shorter|larger|smaller|greater)\s+than\s*(?:an?\s+)?$"
)
_OPEN = re.compile(
    r"\s*(?:or|and)\s+(?:more|less|fewer|above|below|up|farther|further|over|under)\b|\s*(?:以上|以下|以内|\+(?!\s*\d))"
)
_AND = re.compile(r"[\s,]*(?:\band\b|et|und|y)?\s*")
_OR = re.compile(r"\s*(?:-|–|—|~|x|×|\*|\+|,|\bby\b|\bto\b|\bor\b|\band\b|到|至|或|和|bis|à|ou|oder)\s*")
_RESTATED = re.compile(r"\s*(?:[(\[]|=|~|\bor\b|,|/)\s*(?:(?:or|about|approximately|roughly|around|i\.e\.|=|~)[\s,]*)*")
RESTATED = 0.05  # relative tolerance between a value and the same in another unit: "3 m (10 feet)"
_SMALLER = (
    ("length", 0.3048, 0.0254),
    ("length", 1.0, 0.01),
    ("length", 1000.0, 1.0),
    ("time", 3600.0, 60.0),
    ("time", 60.0, 1.0),
)


@dataclass(frozen=True)
class Quantity:
    """A number and the unit behind it, as written; no unit is "".

    `counted` is the word or sign behind a number without a known unit ("frames", "%"). `stated` is False for what is
    denied or only bounded ("not 3 m", "less than 3 m").
    """

    number: float
    unit: str = ""
    counted: str = ""
    stated: bool = True

    @property
    def dimension(self) -> str:
        """Length, speed, time, angle, ..., or "" without a unit."""
        unit = find_unit(self.unit) if self.unit else None
        return unit[0] if unit else ""

    def to(self, unit: str) -> float:
        """Convert; a bare number is taken to be in `unit` already.

        Raises:
            ValueError: The units measure different things.
        """
        if not self.unit or not unit:
            return self.number
        own, wanted = find_unit(self.unit), find_unit(unit)
        if own is None or wanted is None or own[0] != wanted[0]:
            raise ValueError(
                f"a {wanted[0] if wanted else 'quantity'} in {unit} is needed, got {self.number:g} {self.unit}"
            )
        return self.number * (own[1] / wanted[1])


def find_quantities(text: str) -> list[Quantity]:
    """List the quantities in a text in plain writing (see `plain_writing`), in order.

    "5 feet 3 inches", "5'3\\"", "1 m 40 cm" and "1 h 30 min" are one; "1.4 to 1.6 m" and "2 x 3 m" are two in
    metres. Thousands may have commas, spaces or apostrophes, and decimals a comma that cannot be one of thousands
    ("2,5"). Names with digits ("region 2", "<region0>", "frame 3", "3D") are no quantities.
    """
    text = _prepared(text)
    found: list[Quantity] = []
    end = 0
    for match in _QUANTITY.finditer(text):
        quantity = Quantity(number(match), match["unit"] or "", *_surroundings(text, match))
        between = text[end : match.start()]
        if found and (joined := _joined(found[-1], quantity, between)):
            found[-1] = joined
        else:
            if found and quantity.unit and _restates(found[-1], quantity, between):
                continue
            if found and not found[-1].unit and _OR.fullmatch(between):
                found[-1] = replace(found[-1], unit=quantity.unit, counted=quantity.counted)
            found.append(quantity)
        end = match.end()
    return found


def lone_units(text: str) -> set[str]:
    """List the units that a text spells out: "Distance in cm: about 140"."""
    return set(SPELLED.findall(_prepared(text)))


def _prepared(text: str) -> str:
    text = _REGION.sub("region", text.lower())
    text = _ENDLESS.sub("?", _ENDLESS_DECIMALS.sub(r"\1", text))
    text = _TOLERANCE.sub("", _ROOT.sub(" root ", _LABEL.sub("label", text)))
    text = _PER_UNIT_FIRST.sub(r"\2 \3/\1", write_digits(text))
    text = _UNIT_FIRST.sub(r"\2 \1", text)
    return _ONE_UNIT.sub(r"\g<before>1 \g<unit>", text)


def _surroundings(text: str, match: re.Match[str]) -> tuple[str, bool]:
    """Give what a number without a unit counts, and whether it is stated."""
    before, counted = text[max(match.start() - 40, 0) : match.start()], ""
    follower = None if match["unit"] else _FOLLOWER.match(text, match.end())
    if follower and not (_IN_TOTAL.match(text, match.end()) or _COLOUR_AT_END.match(text, match.end())):
        word = follower["sign"] or follower["word"]
        counted = "" if word in _NO_UNIT else word
    denied = _NOT_STATED.search(before) and not _NEAR.search(before)
    return counted, not (denied or _OPEN.match(text, match.end()))


def _restates(one: Quantity, other: Quantity, between: str) -> bool:
    """Tell whether a quantity says the one before it again in another unit, rounded."""
    if not one.unit or one.unit == other.unit or one.dimension != other.dimension or not _RESTATED.fullmatch(between):
        return False
    return math.isclose(one.number, other.to(one.unit), rel_tol=RESTATED)


def _joined(larger: Quantity, smaller: Quantity, between: str) -> Quantity | None:
    """Add up a quantity and the smaller part behind it, as in 5 feet 3 inches; None where it is another quantity."""
    if larger.unit == "'" and not smaller.unit and not between:  # 6'2
        smaller = replace(smaller, unit='"')
    elif larger.unit and not smaller.unit and not smaller.counted and between.isspace():  # 5 ft 3, 1 m 80
        feet = find_unit(larger.unit) == find_unit("ft")
        smaller = replace(smaller, unit="in" if feet else "cm" if find_unit(larger.unit) == find_unit("m") else "")
    if larger.unit == "°" and smaller.unit in ("'", '"', "''") and not between.strip():  # minutes and seconds of arc
        return replace(larger, number=larger.number + smaller.number / (60 if smaller.unit == "'" else 3600))
    if larger.unit == "m" and find_unit(smaller.unit) == find_unit("s"):  # 5m 30s
        larger = replace(larger, unit="min")
    if smaller.unit == "m" and find_unit(larger.unit) == find_unit("h"):  # 1h 5m
        smaller = replace(smaller, unit="min")
    one, other = find_unit(larger.unit), find_unit(smaller.unit)
    if not one or not other or not _AND.fullmatch(between) or not float(larger.number).is_integer():
        return None
    if (one[0], one[1], other[1]) in _SMALLER and 0 <= smaller.number < one[1] / other[1] * (1 - 1e-9):
        return Quantity(larger.to(smaller.unit) + smaller.number, smaller.unit, "", larger.stated and smaller.stated)
    return None
