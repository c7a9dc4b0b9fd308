"""Which of several samples is kept."""

import numpy as np

from models.lifting.fitting.consensus import TEMPERATURE, most_agreed

BALL = np.random.default_rng(0).normal(size=(900, 3))
BALL /= np.linalg.norm(BALL, axis=1, keepdims=True)


def test_the_sample_in_the_middle_of_the_others_is_kept() -> None:
    sizes = [1.0, 1.3, 1.1, 3.0, 1.2]  # the median, whatever the order
    assert most_agreed([size * BALL for size in sizes], [0.1] * 5) == 4
    assert most_agreed([size * BALL for size in sizes[::-1]], [0.1] * 5) == 0


def test_a_sample_that_misses_its_points_has_no_say() -> None:
    surfaces = [size * BALL for size in (1.0, 1.0, 1.02, 2.0, 2.02, 2.04)]
    assert most_agreed(surfaces[:1] + surfaces[2:], [0.1] * 5) >= 2
    residuals = [0.1, 0.1, 0.1] + [0.1 + 10 * TEMPERATURE] * 3
    assert most_agreed(surfaces, residuals) in (0, 1)


def test_of_two_samples_the_one_of_less_misfit_is_kept_and_one_is_itself() -> None:
    assert most_agreed([BALL, 2 * BALL], [0.2, 0.1]) == 1
    assert most_agreed([BALL, 2 * BALL], [0.1, 0.2]) == 0
    assert most_agreed([BALL], [0.3]) == 0
