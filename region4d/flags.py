"""Lists of numbers on the command line."""

from __future__ import annotations


def read_numbers(flag: str, text: str, what: str, count: int) -> tuple[float, ...]:
    """Read `count` numbers (pixels) out of `what`, separated by commas; `flag` and its whole `text` name an error."""
    try:
        numbers = tuple(float(part) for part in what.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        raise ValueError(f"--{flag} '{text}' needs {count} numbers in pixels, separated by commas")
    return numbers
