"""Letters in the answer to a multiple choice question."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_IN_BRACKETS = r"(?<!\w)[(\[{<]\s*([A-Za-z])\s*[)\]}>]"  # (B) [b]
_LETTER = re.compile(
    rf"{_IN_BRACKETS}"
    r"|^([A-Z])(?=$|[.:;,)\]/\n]|\s*->|\s*=>|\s[-–—=]\s"  # B.   B) red
    rf"|\s+(?:or|and|because|since|as|is|und|oder|et|ou)\b|\s*[{_CJK}])"
    r"|^([a-z])[.:)\]](?=\s|$)"  # b) red
    r"|^([B-H])\s"  # B red; a leading A may be the article, a leading I the pronoun
    r"|\b(?:[Oo]ption|OPTION|[Cc]hoice|CHOICE|[Aa]nswer|ANSWER|[Ll]etter)\s*[:#]?\s*(?:([A-Z])\b|([a-z])(?=\W*$|[.:,)]))"
    r"|(?:\b(?:or|and|oder|und|ou|et|или)|/|,|&|或|和|与)\s*([A-Z])\W*$"  # A or B
    r"|(?:'s|\b(?:is|be|choose|pick|select|say|with|so|therefore|thus|hence|final)\b)[\s:,]+(?:option\s+)?([A-Z])\W*$"
    r"|\n\W*([A-Z])\W*$"  # alone on the last line
)
_LONE_LETTER = re.compile(r"\W*([A-Za-z])\W*")
_DENIED = re.compile(
    r"(?:\b(?:not|never|neither|nor|rather than|instead of|except|isn't|can't be|cannot be|rul(?:es?|ed|ing) out"
    r"|eliminat(?:es?|ed|ing)|exclud(?:es?|ed|ing)|reject(?:s|ed|ing)?)\b|不是|而非|并非|排除)\s*"
    r"(?:(?:is|be|option|choice|answer|the|likely)\s+)*(?:[(\[][A-Za-z][)\]]|[A-Z](?![A-Za-z]))"
    r"(?:\s*(?:,|or|nor|and)\s+(?:[(\[][A-Za-z][)\]]|[A-Z](?![A-Za-z])))*"
    r"|(?:[(\[][A-Za-z][)\]]|\b[A-Z])\s+(?:is|are|was|seems|looks|would be)\s*"
    r"(?:n't|(?:not|never|incorrect|wrong|false)\b)(?:\s+(?:correct|right|it))?"
)


def letters_said(text: str) -> set[str]:
    """List the letters that an answer names, in upper case, but for those that it denies ("not (A)").

    Args:
        text: the final answer, in plain writing.
    """
    text = _DENIED.sub("", text)
    if lone := _LONE_LETTER.fullmatch(text):
        return {lone[1].upper()}
    return {"".join(groups).upper() for groups in _LETTER.findall(text)}


def without_copy(text: str, letters: str, options: Sequence[str]) -> str:
    """Leave out a copy of all options with their letters, where something else remains."""
    rows = (rf"[(\[]?{letter}[)\].:]+\s*{re.escape(option)}" for letter, option in zip(letters, options, strict=True))
    rest = re.sub(r"(?<!\w)" + r"[\s,;.]*".join(rows) + r"(?!\w)", "", text, flags=re.IGNORECASE)
    return rest.strip() if re.search(r"\w", rest) and len(options) > 1 else text


def after_letter(text: str) -> str:
    """Give what follows the letter that an answer begins with: "red" of "B) red"."""
    return re.sub(r"^\W*(?:[Oo]ption\s+)?[A-Za-z]\W+", "", text)
