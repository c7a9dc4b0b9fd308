"""Metrics, each with its exact definition and source, one score an item; the mean over items is what papers print."""

from benchmarks.metrics.choice import accuracy, exact_match
from benchmarks.metrics.numeric import (
    MRA_THRESHOLDS,
    log_error,
    mean_relative_accuracy,
    median_relative_error,
    ratio_accuracy,
    relative_error,
    srgpt_accuracy,
)

__all__ = [
    "MRA_THRESHOLDS",
    "accuracy",
    "exact_match",
    "log_error",
    "mean_relative_accuracy",
    "median_relative_error",
    "ratio_accuracy",
    "relative_error",
    "srgpt_accuracy",
]
