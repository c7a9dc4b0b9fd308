"""The grammar of regions in text: `<region0>`, `<region1>`, ..."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MENTION = re.compile(r"<region(\d+)>")


def mention(region: int) -> str:
    """Write the mention of a region."""
    return f"<region{region}>"


def mentioned(text: str, given: int | None = None) -> list[int]:
    """List the regions that a text mentions, in order, repetitions included.

    Raises:
        ValueError: the text mentions a region beyond the `given` ones.
    """
    regions = [int(k) for k in _MENTION.findall(text)]
    for k in regions:
        if given is not None and k >= given:
            raise ValueError(f"the question mentions {mention(k)}, but {given} regions were given (from 0)")
    return regions


def check_all_mentioned(questions: Sequence[str], given: int) -> None:
    """Raise ValueError where no question mentions one of the `given` regions."""
    known = {k for question in questions for k in mentioned(question)}
    if silent := [mention(k) for k in range(given) if k not in known]:
        raise ValueError(f"no question mentions {', '.join(silent)}: mention every region, or leave it out")


def renumber(question: str, numbers: Sequence[int]) -> str:
    """Rewrite `<region k>` to `<region numbers[k]>`.

    Raises:
        ValueError: the question mentions a region that `numbers` does not have.
    """
    mentioned(question, len(numbers))
    return _MENTION.sub(lambda found: mention(numbers[int(found[1])]), question)


def replace_mentions(text: str, replacement: str) -> str:
    """Replace every mention by the same text."""
    return _MENTION.sub(replacement, text)


def name_each(text: str, names: Sequence[str]) -> str:
    """Replace every mention of region k by `names[k]`."""
    return _MENTION.sub(lambda found: names[int(found[1])], text)
