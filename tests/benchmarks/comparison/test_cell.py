import pytest

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.cell import cell, percent_cell, point, share_cell

HALF = Estimate(0.5, 0.25, 0.75, 0.01)
LESS = Estimate(-0.125, -0.25, 0.0, 0.05)


def test_an_estimate_is_its_mean_and_interval() -> None:
    assert cell(HALF) == "0.500 [0.250, 0.750]"
    assert cell(HALF, digits=1, signed=True) == "+0.5 [+0.2, +0.8]"
    assert cell(LESS, signed=True) == "-0.125 [-0.250, +0.000]"
    assert percent_cell(HALF) == "50.0% [25.0%, 75.0%]"
    assert (point(HALF), point(LESS, 2, signed=True)) == ("0.500", "-0.12")


def test_a_difference_is_a_share_of_its_base() -> None:
    assert share_cell(LESS, HALF) == " (-25.0% [-50.0%, +0.0%])"


@pytest.mark.parametrize("text", [cell(None), point(None), percent_cell(None), share_cell(None, HALF)])
def test_what_was_not_measured_is_empty(text: str) -> None:
    assert text == ""


def test_a_share_of_nothing_is_empty() -> None:
    assert share_cell(LESS, None) == ""
    assert share_cell(LESS, Estimate(0.0, -1.0, 1.0, 1.0)) == ""
