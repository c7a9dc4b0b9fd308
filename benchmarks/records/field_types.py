"""What the fields of a line may hold: lines come from disk, where anything can have happened to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.records.lines import parse_json

LARGEST = 1e300  # of a number; comparing is safe for integers of any length, and false for NaN
Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Whether it is text."""
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def is_whole(value: Any) -> bool:
    """Whether it is an integer of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def is_fact(value: Any) -> bool:
    """Whether it is text, a number, true or false, or nothing."""
    return value is None or isinstance(value, str | bool) or is_number(value)


def maybe(*checks: Check) -> Check:
    """Allow nothing, or what one of the checks allows."""
    return lambda value: value is None or any(check(value) for check in checks)


def mapping_of(check: Check) -> Check:
    """Allow an object whose values pass."""
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def list_of(check: Check) -> Check:
    """Allow a list whose items pass."""
    return lambda value: isinstance(value, list | tuple) and all(map(check, value))


def anything(_: Any) -> bool:
    """Allow anything."""
    return True


@dataclass(frozen=True)
class Form:
    """What a line is, the checks of its fields, those that it needs, and what to do where it is anything else."""

    kind: str
    checks: Mapping[str, Check]
    needed: frozenset[str]
    cure: str

    def parse(self, text: str, where: str) -> dict[str, Any]:
        """Parse a line; `where` names it.

        Raises:
            ValueError: it is not JSON, lacks a field, has an unknown one, or one holds something else.
        """
        return self.checked(parse_json(text, where, self.cure), where)

    def checked(self, data: Any, where: str) -> dict[str, Any]:
        """Return what is parsed already, if it has this form; else raise as `parse`."""
        if not isinstance(data, dict):
            raise ValueError(f"{where} is not a {self.kind} but a {type(data).__name__}: {self.cure}")
        if wrong := sorted((self.needed - data.keys()) | (data.keys() - self.checks.keys())):
            what = f"a {self.kind} of this version: missing or unknown fields {', '.join(wrong)}"
            raise ValueError(f"{where} is not {what}; {self.cure}")
        for name, value in data.items():
            if not self.checks[name](value):
                raise ValueError(f"{where} is not a {self.kind}: it has {str(value)[:40]!r} as {name}; {self.cure}")
        return data
