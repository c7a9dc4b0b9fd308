"""Plain writing: one sign for one meaning."""

from __future__ import annotations

import pytest

from benchmarks.region_qa.answers.writing import plain_writing


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Ｂ（２．５ｍ）", "B(2.5m)"),
        ("1½ m²", "1 1/2 m^2"),
        ("½", "1/2"),
        ("10⁻³", "10^-3"),
        ("−2–3", "-2–3"),
        ("5’3”", "5'3\""),
        ("90º", "90°"),
        ("1\u202f234\u202f567", "1234567"),
        ("2\u200b.5", "2.5"),
        ("٢٫٥", "2.5"),
        (r"$1\frac{1}{2}\,\text{m}$", "1 1/2 m"),
        (r"90^{\circ}", "90°"),
        (r"1.5 \times 10^{2}", "1.5 × 10^2"),
        (r"\boxed{\textbf{B}}", r"\boxed{B}"),
        ("**B**", "B"),
        ("2*3", "2*3"),
        ("<region0> and region_1", "<region0> and region_1"),
        ("<b>B</b>&nbsp;m<sup>2</sup>", "B m2"),
        ("答案是B", "答案是 B"),
        ("2 . 5 m", "2.5 m"),
    ],
)
def test_typography_and_markup_become_plain(text: str, plain: str) -> None:
    assert plain_writing(text) == plain


def test_plain_writing_stays_as_it_is() -> None:
    for text in ("1.4 m", "(B) <region1>", "5'3\"", "it does not move", "The answer is B."):
        assert plain_writing(text) == text
