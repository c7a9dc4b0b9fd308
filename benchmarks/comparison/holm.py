"""Holm's correction for many comparisons, and the differences that it leaves clear."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

from benchmarks.comparison.bootstrap import Estimate

LEVEL = 0.05
Name = TypeVar("Name", bound=Hashable)


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Adjust p values so that the chance of any false finding among them stays below the level (Holm 1979)."""
    adjusted: dict[Name, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda n: p_values[n])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def clear_differences(table: Mapping[Name, Estimate], primary: Collection[Name] = ()) -> frozenset[Name]:
    """Name the clear differences of one table.

    A primary endpoint, named before the run, is clear where its interval excludes 0. Every other difference is clear
    where its p value, adjusted by Holm over all others of the table, is below 0.05.
    """
    adjusted = holm({name: each.p_value for name, each in table.items() if name not in primary})
    return frozenset(
        name for name, each in table.items() if (adjusted[name] < LEVEL if name in adjusted else each.excludes_zero)
    )
