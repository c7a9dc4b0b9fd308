"""Holm's correction against a table done by hand."""

import pytest

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.holm import clear_differences, holm


def test_holm_multiplies_by_the_hypotheses_that_are_left_and_never_decreases() -> None:
    # sorted .01 .02 .03 .04: 4 x .01, 3 x .02, 2 x .03, then not below the one before
    adjusted = holm({"d": 0.04, "a": 0.01, "c": 0.03, "b": 0.02})
    assert adjusted == pytest.approx({"d": 0.06, "a": 0.04, "c": 0.06, "b": 0.06})
    assert list(adjusted) == ["d", "a", "c", "b"]
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


def test_a_primary_endpoint_is_clear_by_its_interval_and_the_others_after_holm() -> None:
    table = {name: Estimate(0.1, 0.01, 0.2, p) for name, p in {"a": 0.001, "b": 0.03, "c": 0.03}.items()}
    assert clear_differences(table) == {"a"}  # 2 x .03 is not below .05
    assert clear_differences(table, primary=["b"]) == {"a", "b", "c"}
