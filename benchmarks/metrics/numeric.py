"""Accuracies and errors of numeric answers. Each definition has its own name, because papers reuse names for others.

Truths are positive. An unparsed prediction is NaN: it scores 0 in the accuracies, as a wrong answer, and stays NaN in
the errors. `median_relative_error` leaves it out, so report the share of unparsed answers with it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

MRA_THRESHOLDS = (0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95)


def ratio_accuracy(
    prediction: Float[np.ndarray, "*item"], truth: Float[np.ndarray, "*item"], ratio: float = 1.25
) -> Float[np.ndarray, "*item"]:
    """Score 1 where max(p/t, t/p) < ratio, else 0 (SR-3D-Bench, appendix D; the threshold 1.25 is ours).

    A ratio of 1.25 accepts 0.8 < p/t < 1.25: the delta_1 of depth estimation, for a single number.
    """
    check_truth(truth)
    positive = prediction > 0
    p = np.where(positive, prediction, 1)
    return np.asarray(positive & (np.maximum(p / truth, truth / p) < ratio), dtype=np.float64)


def srgpt_accuracy(
    prediction: Float[np.ndarray, "*item"], truth: Float[np.ndarray, "*item"]
) -> Float[np.ndarray, "*item"]:
    """Score 1 where 0.75 <= p/t <= 1.25, else 0: as SpatialRGPT's script, which calls it +-25 % (sr3d.md 4.4)."""
    check_truth(truth)
    share = prediction / truth
    return np.asarray((share >= 0.75) & (share <= 1.25), dtype=np.float64)


def mean_relative_accuracy(
    prediction: Float[np.ndarray, "*item"], truth: Float[np.ndarray, "*item"]
) -> Float[np.ndarray, "*item"]:
    """Score the share of thresholds c in .50, .55, ..., .95 with |p - t| / t <= 1 - c (VSI-Bench's MRA, sr3d.md 4.5).

    The ten thresholds are explicit: the reference computes their number as int((end - start) / step + 2), which is ten
    only by a rounding error.
    """
    check_truth(truth)
    error = np.abs(prediction - truth) / truth
    return np.asarray((error[..., None] <= 1 - np.array(MRA_THRESHOLDS)).mean(-1))


def relative_error(
    prediction: Float[np.ndarray, "*item"], truth: Float[np.ndarray, "*item"]
) -> Float[np.ndarray, "*item"]:
    """Compute |p - t| / t."""
    check_truth(truth)
    return np.asarray(np.abs(prediction - truth) / truth)


def log_error(prediction: Float[np.ndarray, "*item"], truth: Float[np.ndarray, "*item"]) -> Float[np.ndarray, "*item"]:
    """Compute |ln p - ln t|, which unlike relative error is symmetric in the ratio; NaN where p is not positive."""
    check_truth(truth)
    return np.asarray(np.abs(np.log(np.where(prediction > 0, prediction, np.nan)) - np.log(truth)))


def median_relative_error(prediction: Float[np.ndarray, "item"], truth: Float[np.ndarray, "item"]) -> float:
    """Compute the median relative error of the parsed predictions; NaN if none was parsed."""
    error = relative_error(prediction, truth)
    return float(np.median(error[~np.isnan(error)])) if not np.isnan(error).all() else float("nan")


def check_truth(truth: Float[np.ndarray, "*item"]) -> None:
    """Raise ValueError if a truth is not positive and finite."""
    positive = np.isfinite(truth) & (truth > 0)
    if not positive.all():
        raise ValueError(f"ratios and relative errors need positive, finite truths, got {truth[~positive].flat[0]}")
