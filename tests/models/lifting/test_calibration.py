"""The confidence of a lift is the overlap to expect."""

import numpy as np
import pytest

from models.lifting.calibration import UNLIKE_SHARE, Calibration
from models.lifting.fitting.agreement import Agreement


def lifts(count: int) -> tuple[list[Agreement], list[float], list[float]]:
    """Lifts whose overlap is a logistic curve of what can be seen, with a little noise."""
    rng = np.random.default_rng(0)
    signs = rng.uniform([0, 0, 0.02], [0.5, 0.3, 0.1], (count, 3))
    overlap = 1 / (1 + np.exp(-(2 - 4 * signs[:, 0] - 3 * signs[:, 1] - 10 * signs[:, 2]))) + rng.normal(0, 0.01, count)
    return [Agreement(1 - a, b) for a, b, _ in signs], signs[:, 2].tolist(), overlap.clip(0, 1).tolist()


def test_a_fitted_confidence_is_the_overlap_of_objects_it_has_not_seen() -> None:
    agreements, spreads, overlaps = lifts(160)
    fitted = Calibration.fit(agreements[:80], spreads[:80], overlaps[:80])
    found = [fitted.confidence(*pair) for pair in zip(agreements[80:], spreads[80:], strict=True)]
    assert np.abs(np.array(found) - overlaps[80:]).mean() < 0.03
    assert fitted.objects == 80
    worse = [one.disagreement > fitted.unlike for one in agreements[:80]]
    assert np.mean(worse) == pytest.approx(1 - UNLIKE_SHARE, abs=0.02)


def test_one_sample_has_no_confidence_and_few_objects_no_calibration() -> None:
    calibration = Calibration((-4.0, -3.0, -10.0), 2.0, 0.4, 80)
    assert calibration.confidence(Agreement(1.0, 0.0), None) is None
    assert calibration.confidence(Agreement(1.0, 0.0), 0.0) == pytest.approx(1 / (1 + np.exp(-2)))
    with pytest.raises(ValueError, match="needs 16 objects or more, got 5; give more seeds"):
        Calibration.fit(*lifts(5))
