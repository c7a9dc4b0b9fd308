"""One way of writing for all answers: full-width letters, typographic signs, LaTeX, markdown and HTML become plain."""

from __future__ import annotations

import html
import re
import unicodedata

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‘’′ʹ", "'"),
        **dict.fromkeys("“”″ʺ", '"'),
        **dict.fromkeys("º˚", "°"),
        **dict.fromkeys("−‐‑", "-"),
        **dict.fromkeys("≈∼～〜≃≅", "~"),
        **dict.fromkeys("·⋅∙", "*"),
        **dict.fromkeys("「『【〔〖", "["),
        **dict.fromkeys("」』】〕〗", "]"),
        **{"。": ".", "、": ",", "∕": "/", "⁄": "/", "◁": "<", "▷": ">", "٫": ".", "٬": ",", "⩽": "≤", "⩾": "≥"},
    }
)
_QUOTED_NUMBER = re.compile(r"(?<![\d'\"])([\"'])([\d.,/]+)\1")
_FRACTION = re.compile(r"(\d\s*)?([¼-¾⅐-⅞↉])")
_POWER = re.compile(r"[⁺⁻]?[⁰¹²³⁴-⁹]+")
_THIN_THOUSANDS = re.compile("(?<=\\d)[\u00a0\u2009\u202f](?=\\d{3}(?!\\d))")
_FONT = re.compile(r"\\(?:text|mbox|operatorname|boldsymbol|bm|(?:text|math)(?:rm|bf|it|sf|tt|normal))\s*\{([^{}]*)\}")
_FRAC = re.compile(r"(\d\s*)?\\[dtc]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|(\d)\s*(\d))")
_LATEX = (
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\(?:degree|textdegree)\b"), "°"),
    (re.compile(r"\\n(?![a-z])"), "\n"),
    (re.compile(r"\\times\b"), "×"),
    (re.compile(r"\\cdot\b"), "*"),
    (re.compile(r"\\(?:approx|sim|simeq)\b"), "~"),
    (re.compile(r"\\pi\b"), "π"),
    (re.compile(r"\\mu\b"), "μ"),
    (re.compile(r"\\pm\b"), "±"),
    (re.compile(r"\\sqrt\b"), "√"),
    (re.compile(r"\\(?:le|leq|lt)\b"), "≤"),
    (re.compile(r"\\(?:ge|geq|gt)\b"), "≥"),
    (re.compile(r"\\(?:left|right)\b"), ""),
    (re.compile(r"\\(?:qquad|quad|[,;:! ])|(?<=\d)~(?=\s*[A-Za-z])"), " "),
    (re.compile(r"\\([%_#&{}])"), r"\1"),
    (re.compile(r"\\[()\[\]]|\$"), " "),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\^\s*\{([^{}]*)\}"), r"^\1"),
)
_MARKUP = (
    (
        re.compile(
            r"<(b|i|u|p|em|strong|span|div|code|mark|sub|sup|small)>(.{0,300}?)</\1>", re.IGNORECASE | re.DOTALL
        ),
        r"\2",
    ),
    (re.compile(r"<br\s*/?>", re.IGNORECASE), "\n"),
    (re.compile(r"```\w*|`"), ""),
    (re.compile(r"(?<!\d)\*+|\*+(?!\s*[\dπ])"), ""),  # bold and italic; 2*3 stays
    (re.compile(r"(?<![^\W_])_+|_+(?![^\W_])"), ""),
    (
        re.compile(r"^[ \t]*(?:#{1,3}\s+|[-•>]\s+(?!\d))", re.MULTILINE),
        "",
    ),  # headings and bullets; "####" marks answers
)
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_BESIDE_CJK = re.compile(rf"(?<=[{_CJK}])(?=[-+(\[A-Za-z\d])|(?<=[A-Za-z\d)\]])(?=[{_CJK}])")
_TORN_DECIMAL = re.compile(r"(?<=\d) \. (?=\d)")  # tokens that were joined by spaces


def plain_writing(text: str) -> str:
    """Write a text with one sign for one meaning, so that a pattern has to know one form.

    Letters and digits become ASCII where Unicode calls them compatible ("Ｂ", "㎡", "٣"), "1½" becomes "1 1/2", "m²"
    becomes "m^2"; quotes, minus signs and brackets become ASCII. LaTeX keeps "\\boxed{...}" and the commands that are
    not listed here. Chinese, Japanese and Korean words get a space between them and Latin letters or digits.
    """
    text = _QUOTED_NUMBER.sub(r"\2", html.unescape(text).translate(_SIGNS))
    text = _FRACTION.sub(lambda m: (f"{m[1].strip()} " if m[1] else "") + _ascii_digits(m[2]), text)
    text = _POWER.sub(lambda m: "^" + unicodedata.normalize("NFKC", m[0]).replace("−", "-"), text)
    text = _THIN_THOUSANDS.sub("", text)
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    text = "".join(_ascii_digit(c) for c in text if unicodedata.category(c) != "Cf")
    for _ in range(3):  # fonts and fractions may be nested
        text = _FONT.sub(r"\1", text)
        text = _FRAC.sub(_fraction, text)
    for pattern, plain in (*_LATEX, *_MARKUP):
        text = pattern.sub(plain, text)
    return _TORN_DECIMAL.sub(".", _BESIDE_CJK.sub(" ", text)).strip()


def _fraction(match: re.Match[str]) -> str:
    whole = f"{match[1].strip()} " if match[1] else ""
    return f"{whole}{match[2] or match[4]}/{match[3] or match[5]}"


def _ascii_digits(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("⁄", "/")


def _ascii_digit(character: str) -> str:
    return str(unicodedata.digit(character)) if unicodedata.category(character) == "Nd" else character
