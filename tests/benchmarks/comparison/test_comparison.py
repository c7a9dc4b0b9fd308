"""Estimates and paired differences of records."""

from dataclasses import replace

import pytest
import torch

from benchmarks.comparison.cell import cell, percent_cell, point, share_cell
from benchmarks.comparison.comparison import Comparison, pair_records
from benchmarks.records.record import Record


def records(arm: str, values: list[float], seed: int = 0) -> list[Record]:
    return [Record("toy", str(k), str(k), arm, seed, {"error": value}) for k, value in enumerate(values)]


def test_a_pair_cancels_what_both_arms_share() -> None:
    generator = torch.Generator().manual_seed(0)
    shared = 10 * torch.randn(200, generator=generator, dtype=torch.float64)
    gain = 0.1 + 0.01 * torch.randn(200, generator=generator, dtype=torch.float64)
    one, other = records("a", (shared + gain).tolist()), records("b", shared.tolist())
    difference = Comparison("error").difference(one, list(reversed(other)))
    assert difference is not None
    assert 0.09 < difference.low < difference.mean < difference.high < 0.11
    assert difference.p_value < 0.001


def test_only_seeds_and_items_that_both_have_are_compared() -> None:
    one = [*records("a", [1.0, 2.0, 3.0]), *records("a", [9.0] * 3, seed=1)]
    other = [replace(r, metrics={"error": 0.5}) for r in records("b", [0.0, 0.0])]
    difference = Comparison("error").difference(one, other)
    assert difference is not None
    assert difference.mean == 1.0  # items 0 and 1 of seed 0
    assert Comparison("error").difference(one, [replace(r, seed=7) for r in other]) is None
    with pytest.raises(ValueError, match="have no partner"):
        Comparison("error", complete=True).difference(one, other)


def test_records_without_the_metric_are_left_out() -> None:
    failed = replace(records("a", [0.0])[0], item="9", metrics={})
    estimate = Comparison("error").estimate([*records("a", [2.0, 4.0]), failed])
    assert estimate is not None
    assert estimate.mean == 3.0
    assert Comparison("error").estimate([failed]) is None


def test_a_bootstrap_of_few_clusters_is_no_evidence() -> None:
    few = records("a", [1.0] * 5)
    assert Comparison("error", fewest=6).estimate_values([1.0] * 5, few).p_value == 1
    assert Comparison("error").estimate_values([1.0] * 5, few).p_value < 0.001
    ratio = Comparison("error", fewest=6).estimate_ratio([1.0] * 5, [2.0] * 5, few)
    assert ratio is not None
    assert (ratio.mean, ratio.p_value) == (0.5, 1)


def test_a_ratio_draws_both_of_its_means_together() -> None:
    generator = torch.Generator().manual_seed(0)
    below = 1 + torch.randn(200, generator=generator, dtype=torch.float64)
    above = 0.5 * below + 0.01 * torch.randn(200, generator=generator, dtype=torch.float64)
    ratio = Comparison("error").estimate_ratio(above.tolist(), below.tolist(), records("a", [0.0] * 200))
    assert ratio is not None
    assert ratio.mean == pytest.approx(float(above.mean() / below.mean()))
    assert 0.49 < ratio.low < ratio.mean < ratio.high < 0.51


def test_a_ratio_to_what_may_be_nothing_is_not_given() -> None:
    unclear = [1.0, -1.0] * 20
    assert Comparison("error").estimate_ratio([1.0] * 40, unclear, records("a", [0.0] * 40)) is None


def test_arms_with_different_questions_do_not_pair() -> None:
    (one,) = records("a", [1.0])
    with pytest.raises(ValueError, match="another question"):
        pair_records([one], [replace(one, answer="B")])


def test_a_cell_holds_a_mean_with_its_interval() -> None:
    estimate = Comparison("error").estimate(records("a", [0.5] * 9))
    assert cell(estimate) == "0.500 [0.500, 0.500]"
    assert cell(estimate, 4, signed=True) == "+0.5000 [+0.5000, +0.5000]"
    assert point(estimate, 1) == "0.5"
    assert percent_cell(estimate) == "50.0% [50.0%, 50.0%]"
    assert share_cell(estimate, estimate) == " (+100.0% [+100.0%, +100.0%])"
    assert cell(None) == point(None) == percent_cell(None) == share_cell(None, estimate) == ""
