"""The options of a multiple choice question as benchmarks write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

_NUMBERING = re.compile(r"^\s*\(?[A-Z][.):]\s*")


def without_letter(option: str) -> str:
    """Take the text of an option that begins with its letter, such as "A. left"."""
    return _NUMBERING.sub("", option)


def listed(options: Sequence[str]) -> list[str]:
    """Write options with their letters: "(A) left"."""
    return [f"({letter}) {text}" for letter, text in zip(ascii_uppercase, options, strict=False)]


def letter_of(answer: str, options: Sequence[str]) -> str:
    """Find the letter of the option whose text is the answer.

    Raises:
        ValueError: not exactly one option has that text.
    """
    right = [k for k, text in enumerate(options) if text.strip().lower() == answer.strip().lower()]
    if len(right) != 1:
        raise ValueError(f"'{answer}' is not one of {', '.join(options)}")
    return ascii_uppercase[right[0]]
