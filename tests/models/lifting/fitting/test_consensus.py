"""Which of several samples is kept."""

import numpy as np
import pytest

from models.lifting.fitting.consensus import TEMPERATURE, most_agreed

BALL = np.random.default_rng(0).normal(size=(900, 3))
BALL /= np.linalg.norm(BALL, axis=1, keepdims=True)


def kept(surfaces: list[np.ndarray], residuals: list[float]) -> int:
    return most_agreed(surfaces, residuals).index


def test_the_sample_in_the_middle_of_the_others_is_kept() -> None:
    sizes = [1.0, 1.3, 1.1, 3.0, 1.2]  # the median, whatever the order
    assert kept([size * BALL for size in sizes], [0.1] * 5) == 4
    assert kept([size * BALL for size in sizes[::-1]], [0.1] * 5) == 0


def test_a_sample_that_misses_its_points_has_no_say() -> None:
    surfaces = [size * BALL for size in (1.0, 1.0, 1.02, 2.0, 2.02, 2.04)]
    assert kept(surfaces[:1] + surfaces[2:], [0.1] * 5) >= 2
    residuals = [0.1, 0.1, 0.1] + [0.1 + 10 * TEMPERATURE] * 3
    assert kept(surfaces, residuals) in (0, 1)


def test_of_two_samples_the_one_of_less_misfit_is_kept_and_one_is_itself() -> None:
    assert kept([BALL, 2 * BALL], [0.2, 0.1]) == 1
    assert kept([BALL, 2 * BALL], [0.1, 0.2]) == 0
    assert kept([BALL], [0.3]) == 0


def test_the_spread_is_the_distance_to_the_others_in_diagonals() -> None:
    agreed = most_agreed([BALL, 1.1 * BALL], [0.1, 0.2])
    assert agreed.index == 0
    assert agreed.spread == pytest.approx(0.1 / np.linalg.norm([2, 2, 2]), rel=0.15)  # thinned points lie beside
    assert most_agreed([BALL], [0.1]).spread is None
