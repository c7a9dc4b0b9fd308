import numpy as np
import pytest

from benchmarks.study_table import constant_score, numeric_errors, score_rows
from tests.benchmarks.studies import record, toy_records


def test_the_difference_of_two_arms_is_that_of_their_means() -> None:
    (near, far) = score_rows(toy_records(), [("good", "bad")])
    assert (near.category, far.category) == ("nearer_camera", "distance")
    bad, good = near.scores
    assert (bad.estimate.mean, good.estimate.mean) == (0.5, 1.0)
    assert near.differences[0].estimate.mean == 0.5
    assert near.differences[0].estimate.excludes_zero
    assert near.differences[0].text().startswith("+0.500 [+0.")


def test_two_equal_arms_do_not_differ() -> None:
    records = [record(arm, n, "higher", n % 3 == 0) for arm in ("a", "b") for n in range(30)]
    (row,) = score_rows(records, [("a", "b")])
    assert row.differences[0].text() == "+0.000 [+0.000, +0.000]"
    assert not row.differences[0].estimate.excludes_zero


def test_arms_that_answered_other_items_are_refused() -> None:
    records = [record("a", 1, "higher", True), record("b", 2, "higher", True)]
    with pytest.raises(ValueError, match="no partner"):
        score_rows(records, [("a", "b")])


def test_an_arm_without_records_is_named() -> None:
    with pytest.raises(ValueError, match="4d"):
        score_rows(toy_records(), [("4d", "good")])


def test_the_best_constant_is_the_most_frequent_answer() -> None:
    assert constant_score([record("a", n, "higher", True) for n in range(4)]) == 1.0  # all truths are A


def test_numeric_errors_leave_unparsed_answers_out_and_count_them() -> None:
    records = [record("a", 0, "distance", True), record("a", 1, "distance", False)]
    lost = [type(r)(**{**vars(r), "item": r.item + "x", "parsed": None}) for r in records]
    (error,) = numeric_errors(records + lost)
    assert error.median_relative == np.median([0.0, 8.0])
    assert error.mean_log == pytest.approx(np.log(9) / 2)
    assert error.unparsed == 0.5
