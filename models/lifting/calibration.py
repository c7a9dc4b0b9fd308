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
SIGNS = 4


@dataclass(frozen=True)
class Signs:
    """What can be told of a lift without the truth.

    Args:
        agreement: of the mesh with the picture.
        spread: distance of the samples from each other; None where there was one.
        sphericity: of the mesh: the thinner a solid, the less of it an error of the surface leaves.
    """

    agreement: Agreement
    spread: float | None
    sphericity: float

    def values(self) -> tuple[float, float, float, float] | None:
        """List what is missing of the silhouette, the error of depth, the spread and what is missing to a ball.

        None without depth, and where only one sample was drawn.
        """
        if self.agreement.depth is None or self.spread is None:
            return None
        return 1 - self.agreement.silhouette, self.agreement.depth, self.spread, 1 - self.sphericity


@dataclass(frozen=True)
class Calibration:
    """A logistic curve of the four signs of a lift (`Signs.values`).

    Args:
        weights: of the signs, in their order.
        bias: log odds of the overlap where all signs are 0.
        unlike: disagreement that `UNLIKE_SHARE` of objects like those of the training stay below.
        objects: how many objects it was fitted to.

    Raises:
        ValueError: there are not four weights.
    """

    weights: Sequence[float]
    bias: float
    unlike: float
    objects: int

    def __post_init__(self) -> None:
        if len(self.weights) != SIGNS:
            raise ValueError(
                f"a calibration has {SIGNS} weights, got {len(self.weights)}: delete the file, and calibrate the model "
                "again (region4d train experiment=lifting/confidence)"
            )

    @classmethod
    def fit(cls, signs: Sequence[Signs], overlaps: Sequence[float], familiar: int) -> Calibration:
        """Fit the curve to lifts of objects whose true overlap (solid IoU) is known, by least squares.

        Args:
            signs: of each lift, with depth and a spread.
            overlaps: of each lift.
            familiar: how many of them, from the first, are of objects like those of the training.

        Raises:
            ImportError: scipy is not installed.
            ValueError: there are fewer than 16 objects, or a lift has no depth or no spread.
        """
        if minimize is None:
            raise ImportError("a calibration needs scipy: pip install 'region4d[geom]'")
        if len(overlaps) < 16:
            raise ValueError(f"a calibration needs 16 objects or more, got {len(overlaps)}; give more seeds")
        values = [one.values() for one in signs]
        if None in values:
            raise ValueError(
                "a calibration compares depth, and samples of an object: give objects with a point map, of which at "
                "least two samples have a surface"
            )
        given, true = np.array(values), np.array(overlaps)
        mean, width = given.mean(0), given.std(0).clip(1e-6)

        def loss(parameters: Float[np.ndarray, "5"]) -> float:
            found = 1 / (1 + np.exp(-(given - mean) / width @ parameters[:SIGNS] - parameters[SIGNS]))
            return float(((found - true) ** 2).mean() + RIDGE * (parameters[:SIGNS] ** 2).mean())

        found = minimize(loss, np.zeros(SIGNS + 1)).x
        weights = found[:SIGNS] / width
        unlike = float(np.quantile([one.agreement.disagreement for one in signs[:familiar]], UNLIKE_SHARE))
        return cls(weights.tolist(), float(found[SIGNS] - weights @ mean), unlike, len(overlaps))

    def confidence(self, signs: Signs) -> float | None:
        """Compute the expected solid IoU; None without depth, and where only one sample was drawn."""
        values = signs.values()
        if values is None:
            return None
        odds = self.bias + sum(weight * value for weight, value in zip(self.weights, values, strict=True))
        return 1 / (1 + math.exp(-odds))
