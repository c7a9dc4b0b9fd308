"""Numbers worked out by hand."""

import math

import numpy as np
import pytest

from benchmarks.metrics import (
    MRA_THRESHOLDS,
    log_error,
    mean_relative_accuracy,
    median_relative_error,
    ratio_accuracy,
    relative_error,
    srgpt_accuracy,
)

NAN = float("nan")


def test_ratio_accuracy_accepts_less_than_the_ratio_on_both_sides():
    prediction = np.array([1.0, 1.24, 1.25, 0.81, 0.80, 0.75, 0.0, -1.0, NAN])
    assert ratio_accuracy(prediction, np.ones(9)).tolist() == [1, 1, 0, 1, 0, 0, 0, 0, 0]
    assert ratio_accuracy(np.array([3.9, 4.1]), np.array([2.0, 2.0]), ratio=2.0).tolist() == [1, 0]


def test_srgpt_accuracy_is_wider_below_and_closed_at_both_ends():
    prediction = np.array([0.74, 0.75, 0.80, 1.25, 1.26, NAN])
    assert srgpt_accuracy(prediction, np.ones(6)).tolist() == [0, 1, 1, 1, 0, 0]


def test_mean_relative_accuracy_has_ten_thresholds_from_50_to_95_percent():
    assert len(MRA_THRESHOLDS) == 10
    # |p - t| / t: 0 passes all; .07 passes .50 to .90; .26 passes .50 to .70; .49 the first only; .51 none
    prediction = np.array([4.0, 4.28, 5.04, 2.04, 1.96, NAN])
    scores = mean_relative_accuracy(prediction, np.full(6, 4.0))
    np.testing.assert_allclose(scores, [1.0, 0.9, 0.5, 0.1, 0.0, 0.0], atol=1e-12)


def test_errors_are_those_of_the_formulas_and_keep_nan():
    prediction, truth = np.array([3.0, 1.0, NAN]), np.array([2.0, 2.0, 2.0])
    np.testing.assert_allclose(relative_error(prediction, truth), [0.5, 0.5, NAN])
    np.testing.assert_allclose(log_error(prediction, truth), [math.log(1.5), math.log(2), NAN])
    assert np.isnan(log_error(np.array([-1.0]), np.array([1.0]))).all()


def test_the_median_leaves_out_what_was_not_parsed():
    assert median_relative_error(np.array([1.1, 1.2, 1.9, NAN]), np.ones(4)) == pytest.approx(0.2)
    assert math.isnan(median_relative_error(np.array([NAN]), np.ones(1)))


@pytest.mark.parametrize("wrong", [0.0, -1.0, NAN, math.inf])
@pytest.mark.parametrize("metric", [ratio_accuracy, srgpt_accuracy, mean_relative_accuracy, relative_error, log_error])
def test_a_truth_that_is_not_positive_is_refused(metric, wrong):
    with pytest.raises(ValueError, match="positive, finite truths"):
        metric(np.ones(2), np.array([1.0, wrong]))
