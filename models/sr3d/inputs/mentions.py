"""How a question points at regions: `<region0>`, `<region1>`, ..."""

from __future__ import annotations

import re
from collections.abc import Sequence

MENTION = re.compile(r"<region(\d+)>")


def mentioned(question: str) -> list[int]:
    """List the regions that a question mentions, in order, repetitions included."""
    return [int(k) for k in MENTION.findall(question)]


def renumber(question: str, numbers: Sequence[int]) -> str:
    """Rewrite `<region k>` to `<region numbers[k]>`.

    Raises:
        ValueError: the question mentions a region that `numbers` does not have.
    """

    def number(mention: re.Match[str]) -> str:
        k = int(mention[1])
        if k >= len(numbers):
            raise ValueError(f"the question mentions <region{k}>, but {len(numbers)} regions were given (from 0)")
        return f"<region{numbers[k]}>"

    return MENTION.sub(number, question)
