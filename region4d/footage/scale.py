"""Answers about footage whose scale is unknown: no metres."""

from __future__ import annotations

import re

from benchmarks.region_qa.answers.units import UNIT, find_unit

RELATIVE = "relative units"  # of lengths whose scale is unknown
POWERS = {"length": "", "area": "^2", "volume": "^3", "speed": "/s", "speed per second": "/s^2"}
_UNIT = re.compile(rf"(?<=\d)\s*-?\s*({UNIT})", re.IGNORECASE)


def scale_name(depth: object | None, metric: bool) -> str | None:
    """Name the scale of lengths: "metres" or "relative", None without depth."""
    if depth is None:
        return None
    return "metres" if metric else "relative"


def state_scale(answer: str, metric: bool) -> str:
    """Replace the units of length of an answer where `metric` is False: "2.4 m" is then "2.4 relative units".

    The number stays: within one clip, ratios of lengths can still be compared.
    """
    return answer if metric else _UNIT.sub(_relative, answer)


def _relative(unit: re.Match[str]) -> str:
    known = find_unit(unit[1].lower())
    return f" {RELATIVE}{POWERS[known[0]]}" if known is not None and known[0] in POWERS else unit[0]
