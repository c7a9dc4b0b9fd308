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
from benchmarks.metrics.points import aligned_point_error, depth_error
from benchmarks.metrics.pose import pose_auc, relative_pose_errors

__all__ = [
    "MRA_THRESHOLDS",
    "accuracy",
    "aligned_point_error",
    "depth_error",
    "exact_match",
    "log_error",
    "mean_relative_accuracy",
    "median_relative_error",
    "pose_auc",
    "ratio_accuracy",
    "relative_error",
    "relative_pose_errors",
    "srgpt_accuracy",
]
