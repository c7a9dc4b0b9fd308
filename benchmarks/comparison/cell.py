"""The text of a table cell; empty where there is nothing to report."""

from __future__ import annotations

from benchmarks.comparison.bootstrap import Estimate


def cell(estimate: Estimate | None, digits: int = 3, signed: bool = False) -> str:
    """Write `0.812 [0.790, 0.833]`; differences carry their sign."""
    return _interval(estimate, f"{{:{'+' if signed else ''}.{digits}f}}")


def point(estimate: Estimate | None, digits: int = 3, signed: bool = False) -> str:
    """Write the mean alone."""
    return "" if estimate is None else f"{estimate.mean:{'+' if signed else ''}.{digits}f}"


def number_cell(value: float | None, digits: int = 3) -> str:
    """Write a number without an interval."""
    return "" if value is None else f"{value:.{digits}f}"


def percent_cell(estimate: Estimate | None) -> str:
    """Write `66.7% [60.0%, 72.1%]`."""
    return _interval(estimate, "{:.1%}")


def share_cell(difference: Estimate | None, base: Estimate | None) -> str:
    """Write a difference as a share of a mean, in brackets."""
    if difference is None or base is None or not base.mean:
        return ""
    mean, low, high = (f"{value / base.mean:+.1%}" for value in (difference.mean, difference.low, difference.high))
    return f" ({mean} [{low}, {high}])"


def _interval(estimate: Estimate | None, form: str) -> str:
    if estimate is None:
        return ""
    mean, low, high = (form.format(value) for value in (estimate.mean, estimate.low, estimate.high))
    return f"{mean} [{low}, {high}]"
