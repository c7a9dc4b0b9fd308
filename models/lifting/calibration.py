"""The confidence of a lift: the overlap with the true object to expect, from what can be seen without the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.lifting.fitting.agreement import Agreement

try:
    from scipy.optimize import minimize
except ImportError:
    minimize = None

UNLIKE_SHARE = 0.95  # of the training objects agree better than one that is unlike them
RIDGE = 1e-3  # of the weights, per object


@dataclass(frozen=True)
class Calibration:
    """A logistic curve of what is missing of the silhouette, the error of depth and the spread of the samples.

    Args:
        weights: of the three, in this order.
        bias: log odds of the overlap where all three are 0.
        unlike: disagreement that `UNLIKE_SHARE` of the training objects stay below.
        objects: how many objects it was fitted to.
    """

    weights: Sequence[float]
    bias: float
    unlike: float
    objects: int

    @classmethod
    def fit(cls, agreements: Sequence[Agreement], spreads: Sequence[float], overlaps: Sequence[float]) -> Calibration:
        """Fit the curve to lifts of objects whose true overlap (solid IoU) is known, by least squares.

        Raises:
            ImportError: scipy is not installed.
            ValueError: there are fewer than 16 objects.
        """
        if minimize is None:
            raise ImportError("a calibration needs scipy: pip install 'region4d[geom]'")
        if len(overlaps) < 16:
            raise ValueError(f"a calibration needs 16 objects or more, got {len(overlaps)}; give more seeds")
        signs, true = np.array([_signs(*pair) for pair in zip(agreements, spreads, strict=True)]), np.array(overlaps)
        mean, width = signs.mean(0), signs.std(0).clip(1e-6)

        def loss(parameters: Float[np.ndarray, "4"]) -> float:
            found = 1 / (1 + np.exp(-(signs - mean) / width @ parameters[:3] - parameters[3]))
            return float(((found - true) ** 2).mean() + RIDGE * (parameters[:3] ** 2).mean())

        found = minimize(loss, np.zeros(4)).x
        weights = found[:3] / width
        unlike = float(np.quantile([one.disagreement for one in agreements], UNLIKE_SHARE))
        return cls(weights.tolist(), float(found[3] - weights @ mean), unlike, len(overlaps))

    def confidence(self, agreement: Agreement, spread: float | None) -> float | None:
        """Compute the expected solid IoU; None without depth, and where only one sample was drawn."""
        if spread is None or agreement.depth is None:
            return None
        odds = self.bias + sum(w * x for w, x in zip(self.weights, _signs(agreement, spread), strict=True))
        return 1 / (1 + math.exp(-odds))


def _signs(agreement: Agreement, spread: float) -> tuple[float, float, float]:
    if agreement.depth is None:
        raise ValueError("a calibration compares depth: give objects with a point map")
    return 1 - agreement.silhouette, agreement.depth, spread
