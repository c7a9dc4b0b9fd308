"""Letters that an answer names, and those that it only denies or copies."""

from __future__ import annotations

import pytest

from benchmarks.region_qa.answers.choice import letters_said, without_copy


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("B", "B"),
        ("(b) red", "B"),
        ("A or B", "AB"),
        ("(A), not (B)", "A"),
        ("not A or B", ""),
        ("(A) is incorrect; (C) is right", "C"),
        ("I think it is C.", "C"),
        ("A chair", ""),
        ("object(s)", ""),
        ("I see", ""),
    ],
)
def test_letters_are_those_that_the_answer_stands_by(text: str, letters: str) -> None:
    assert letters_said(text) == set(letters)


def test_a_copy_of_the_options_is_left_out_but_for_an_answer_that_is_nothing_else() -> None:
    options = ("red", "blue")
    assert without_copy("(A) red (B) blue. It is B", "AB", options).strip(". ") == "It is B"
    assert without_copy("(A) red (B) blue", "AB", options) == "(A) red (B) blue"
    assert without_copy("(A) red", "AB", options) == "(A) red"
