"""Answers about footage whose scale is unknown: no metres."""

from __future__ import annotations

import re

from benchmarks.region_qa.quantities import UNITS

RELATIVE = "relative units"  # of lengths whose scale is unknown
_NAMES = sorted((name for name, (kind, _) in UNITS.items() if kind in ("length", "speed")), key=len, reverse=True)
_LENGTH = re.compile(rf"(?<=\d)\s*-?\s*({'|'.join(map(re.escape, _NAMES))})(?![\w/])", re.IGNORECASE)


def state_scale(answer: str, metric: bool) -> str:
    """Replace the units of length and speed of an answer where `metric` is False: "2.4 m" is then "2.4 relative units".

    The number stays: within one clip, ratios of lengths can still be compared.
    """
    return answer if metric else _LENGTH.sub(lambda unit: f" {_relative(unit[1].lower())}", answer)


def _relative(unit: str) -> str:
    return f"{RELATIVE}/s" if UNITS[unit][0] == "speed" else RELATIVE
