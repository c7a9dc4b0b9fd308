"""Numbers as people write them: "1,234.5", "2,5", "1 1/2", "1.5 x 10^2", "pi/2", "two and a half", "一点五"."""

from __future__ import annotations

import math
import re

from benchmarks.region_qa.answers.units import UNIT

_DECIMAL = (
    r"(?:[1-9]\d{0,2}(?:\.\d{3})+,\d+|[1-9]\d{0,2}(?:\.\d{3}){2,}"  # 1.234,5   1.234.567
    r"|[1-9]\d{0,2}(?:(?:,\d{3})+|(?: \d{3})+|(?:'\d{3})+)(?![\d'\"])(?:\.\d+)?"  # 1,234.5   1 234   1'234
    r"|[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?"  # 12,34,567
    r"|\d+,\d+|\d+(?:\.\d+)?|\.\d+)(?![.,]?\d)"  # 2,5   2.5
)
_POWER_OF_TEN = r"(?:\s*[x×*]\s*10\^\(?(?P<ten>[-+]?\d+)\)?|e(?P<exponent>[-+]?\d+)|\^\(?(?P<power>[-+]?\d+)\)?)"
NUMBER = (
    r"(?P<sign>[-+](?!\s))?(?:"
    rf"(?P<whole>\d+)(?:\s+(?:and\s+)?|-)(?P<part>\d+)\s*/\s*(?P<parts>\d+)(?!\s*/|[.,]?\d)"  # 1 1/2
    rf"|(?P<over>{_DECIMAL})\s*/\s*(?P<under>{_DECIMAL})(?!\s*/)"  # 1/2
    rf"|(?P<decimal>{_DECIMAL}){_POWER_OF_TEN}?(?!\s*/\s*\d)"
    r"|(?=π|pi\b))(?P<pi>\s*\*?\s*(?:π|\bpi\b|(?<=\d)pi\b)(?:\s*/\s*(?P<slices>\d+))?)?"  # 2π   π/2
)
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: k for k, word in enumerate(_SMALL.split())} | {word: 10 * k for k, word in enumerate(_TENS.split(), 2)}
_KINDS = {"hundred": "H", "thousand": "K", "point": "P"} | {
    word: "Z" if k == 0 else "D" if k < 10 else "N" if k < 20 else "T" for word, k in _VALUES.items()
}
_BELOW_HUNDRED = "(?:N|TD?|D)"
_BELOW_THOUSAND = f"(?:D?H{_BELOW_HUNDRED}?|{_BELOW_HUNDRED})"
_GRAMMAR = re.compile(f"(?:Z|{_BELOW_THOUSAND}?K{_BELOW_THOUSAND}?|{_BELOW_THOUSAND})(?P<digits>P[ZD]+)?")
_WORD = "(?:" + "|".join(sorted(_KINDS, key=len, reverse=True)) + ")"
_SPELLED = (
    rf"(?:\ban?\s+(?=hundred|thousand))?\b{_WORD}\b(?:(?:\s+|-){_WORD}\b|(?<=(?:hundred|housand))\s+and\s+{_WORD}\b)*"
)
_SHARES = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_SHARE = "(?:halves|" + "|".join(f"{name}s?" for name in _SHARES) + ")"
_OF_UNIT = rf"(?=[\s-]+(?:of\s+)?(?:(?:an?|one)\s+)?{UNIT})"
_COUNTS = re.compile(  # spelled numbers count before a unit, before a share, before another number, and at the end
    rf"(?<!\d )(?<!\d)(?P<spelled>{_SPELLED})(?=\s*-?\s*{UNIT}|[\s-]+{_SHARE}\b"
    rf"|\s+and\s+(?:an?|one|two|three)[\s-]+{_SHARE}\b|\s*(?:-|–|\bto\b|\bor\b|\band\b)\s*\d|(?P<last>\W*$))"
)
_AND_SHARE = re.compile(rf"(\d)\s+and\s+(an?|\d+)[\s-]+({_SHARE})\b")
_UNIT_AND_HALF = re.compile(rf"(?:\b(?:an?)|(\d+))\s+({UNIT})\s+and\s+(?:a\s+half|1/2)\b")
_LONE_SHARE = re.compile(rf"(?:\b(an?|\d+)[\s-]+)?\b({_SHARE}){_OF_UNIT}")

_CHINESE = {digit: k for k, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_CHINESE_DIGIT = "[" + "".join(_CHINESE) + "]"
_CJK_UNIT = rf"(?=\s*(?=[\u3040-\u9fff]){UNIT})"
_CHINESE_NUMBER = re.compile(
    rf"(?<![\w])?((?:{_CHINESE_DIGIT}百)?(?:{_CHINESE_DIGIT}?十)?{_CHINESE_DIGIT}?|半)(?:[点點]({_CHINESE_DIGIT}+))?{_CJK_UNIT}"
)
_CHINESE_SHARE = re.compile(rf"({_CHINESE_DIGIT}|\d+)\s*分[之の]\s*({_CHINESE_DIGIT}|\d+)")
_CHINESE_AFTER = re.compile(rf"(\d+)\s*(米|公尺|小时|分钟|秒|公里)\s*(半|{_CHINESE_DIGIT}(?!\w))")


def number(match: re.Match[str]) -> float:
    """Give the value of a match of `NUMBER`; not finite where it divides by zero or is too large."""
    try:
        if match["part"]:
            value = int(match["whole"]) + int(match["part"]) / int(match["parts"])
        elif match["over"]:
            value = _decimal(match["over"]) / _decimal(match["under"])
        else:
            value = _decimal(match["decimal"] or "1")
        if exponent := match["ten"] or match["exponent"]:
            value *= 10.0 ** int(exponent)
        if match["power"]:
            value **= int(match["power"])
        if match["pi"]:
            value *= math.pi / int(match["slices"] or 1)
    except (OverflowError, ZeroDivisionError, ValueError):  # ValueError: more digits than Python converts
        return math.inf
    return -value if match["sign"] == "-" else value


def _decimal(text: str) -> float:
    text = re.sub(r"[ ']", "", text)
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+,\d+|[1-9]\d{0,2}(?:\.\d{3}){2,}", text):
        return float(text.replace(".", "").replace(",", "."))
    if re.fullmatch(r"\d+,\d+", text) and not re.fullmatch(r"[1-9]\d{0,2},\d{3}", text):
        return float(text.replace(",", "."))
    return float(text.replace(",", ""))


def write_digits(text: str) -> str:
    """Write spelled numbers and shares in digits: "two and a half metres" becomes "2 1/2 metres".

    Spelled numbers count before a unit, a share or another number, and at the end of the text ("the red one" does not).
    One that is not a number as a whole ("five six") becomes "?", so that no part of it is read.
    """
    text = _CHINESE_SHARE.sub(lambda m: f"{_chinese_digit(m[2])}/{_chinese_digit(m[1])} ", text)
    text = _CHINESE_NUMBER.sub(_chinese, text)
    text = _CHINESE_AFTER.sub(lambda m: f"{m[1]}.{5 if m[3] == '半' else _CHINESE[m[3]]} {m[2]}", text)
    for _ in range(3):  # "two or three metres" is read from its end
        text = _COUNTS.sub(_digits, text)
    text = _AND_SHARE.sub(lambda m: f"{m[1]} {_count(m[2])}/{_parts(m[3])}", text)
    text = _UNIT_AND_HALF.sub(lambda m: f"{m[1] or 1} 1/2 {m[2]}", text)
    return _LONE_SHARE.sub(lambda m: f"{_count(m[1])}/{_parts(m[2])}", text)


def _digits(match: re.Match[str]) -> str:
    words = [word for word in re.split(r"[\s-]+", match["spelled"]) if word not in ("and", "a", "an")]
    if words == ["one"] and match["last"] is not None and match.start() > 0:  # the red one
        return match[0]
    if words == ["point"]:
        return match[0]
    kinds = "".join(_KINDS[word] for word in words)
    grammatical = _GRAMMAR.fullmatch(kinds)
    if not grammatical:
        return "?"
    before = kinds.partition("P")[0]
    total = current = 0
    for word in words[: len(before)]:
        if word == "hundred":
            current = 100 * (current or 1)
        elif word == "thousand":
            total, current = 1000 * (current or 1), 0
        else:
            current += _VALUES[word]
    decimals = "".join(str(_VALUES[word]) for word in words[len(before) + 1 :])
    return f"{total + current}" + (f".{decimals}" if decimals else "")


def _count(text: str | None) -> str:
    return text if text and text.isdigit() else "1"


def _parts(share: str) -> int:
    return 2 if share == "halves" else _SHARES[share.removesuffix("s")]


def _chinese_digit(text: str) -> int:
    return int(text) if text.isascii() else _CHINESE[text]


def _chinese(match: re.Match[str]) -> str:
    if not match[1] and not match[2]:
        return match[0]
    if match[1] == "半":
        return "0.5"
    hundreds, _, rest = match[1].rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    value = (
        100 * _CHINESE.get(hundreds, 0)
        + (10 * _CHINESE.get(tens, 1) if ten else 0)
        + _CHINESE.get(ones.strip("零〇"), 0)
    )
    decimals = "".join(str(_CHINESE[digit]) for digit in match[2] or "")
    return f"{value}" + (f".{decimals}" if decimals else "")
