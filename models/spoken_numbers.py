"""Numbers as the models read and write them: two significant digits, so that one number is one word."""

from __future__ import annotations

import math

SMALLEST, LARGEST = 0.01, 360.0


def format_number(value: float) -> str:
    """Round to two significant digits, and to 0.01 below 0.1: "0.05", "0.85", "1.4", "12", "120".

    Every result is one of `NUMBERS`. Two digits keep the rounding within 5 % from 0.1 on, well inside a ratio of 1.25.

    Raises:
        ValueError: The value does not lie in 0.01 .. 360.
    """
    if not SMALLEST <= value <= LARGEST:
        raise ValueError(
            f"a number must be between {SMALLEST} and {LARGEST:g} to be written with two digits, got {value}"
        )
    decimals = min(1 - math.floor(math.log10(value)), 2)
    rounded = round(value, decimals)
    decimals = min(1 - math.floor(math.log10(rounded)), 2)  # 0.996 became 1.0
    return f"{rounded:.{max(decimals, 0)}f}"


NUMBERS: tuple[str, ...] = (
    *(f"{n / 100:.2f}" for n in range(1, 100)),
    *(f"{n / 10:.1f}" for n in range(10, 100)),
    *(f"{n}" for n in range(10, 100)),
    *(f"{n}" for n in range(100, 370, 10)),
)
