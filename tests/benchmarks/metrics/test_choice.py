"""Right or wrong."""

import pytest

from benchmarks.metrics import accuracy, exact_match


def test_an_unparsed_answer_counts_as_wrong():
    assert accuracy(["A", "B", None], ["A", "A", "A"]).tolist() == [1, 0, 0]


def test_exact_match_accepts_any_reference_and_nothing_near_it():
    assert exact_match(["two", "Two", "2"], [["2", "two"], ["2", "two"], ["2", "two"]]).tolist() == [1, 0, 1]


def test_lists_that_do_not_pair_up_are_refused():
    with pytest.raises(ValueError, match="2 answers and 1 truths"):
        accuracy(["A", "B"], ["A"])
    with pytest.raises(ValueError, match="1 answers and 2 truths"):
        exact_match(["A"], [["A"], ["B"]])
