"""Selection among several samples of an object: the one that most samples agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

try:
    from scipy.spatial import cKDTree
except ImportError:
    cKDTree = None

TEMPERATURE = 0.05  # a residual larger by this divides a sample's weight by e; chosen on 48 training objects
COMPARED_POINTS = 600  # of each surface


@dataclass(frozen=True)
class Consensus:
    """The number of the selected sample, and how far it is from the others.

    `spread` is the mean Chamfer distance to them (half the sum of both directions) in diagonals of its box; None where
    there is no other sample.
    """

    index: int
    spread: float | None


def most_agreed(surfaces: Sequence[Float[np.ndarray, "_ 3"]], residuals: Sequence[float]) -> Consensus:
    """Select the sample with minimum Bayes risk under Chamfer distance, weighted by exp(-residual / temperature).

    Surfaces are compared in the camera frame. Visible points say little about the hidden side of an object, where
    samples that agree are right more often than the sample with the smallest residual. Of two samples, the one with the
    smaller residual is selected.
    Source: minimum Bayes risk decoding (Kumar and Byrne, HLT-NAACL 2004).

    Args:
        surfaces: evenly spread points of each sample, camera frame.
        residuals: see `pose_fitting.Fit`.

    Raises:
        ImportError: scipy is not installed.
    """
    if len(surfaces) == 1:
        return Consensus(0, None)
    if cKDTree is None:
        raise ImportError("comparing samples needs scipy: pip install 'region4d[geom]'")
    trees = [cKDTree(surface) for surface in surfaces]
    thinned = [
        surface[np.linspace(0, len(surface) - 1, min(COMPARED_POINTS, len(surface))).round().astype(int)]
        for surface in surfaces
    ]
    distance = np.array([[tree.query(points)[0].mean() for points in thinned] for tree in trees])
    excess = np.asarray(residuals) - min(residuals)
    index = int(((distance + distance.T) @ np.exp(-excess / TEMPERATURE)).argmin())
    to_others = (distance + distance.T)[index].sum() / 2 / (len(surfaces) - 1)
    return Consensus(index, float(to_others / np.linalg.norm(np.ptp(surfaces[index], axis=0))))
