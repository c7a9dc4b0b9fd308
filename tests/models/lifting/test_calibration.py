"""The confidence of a lift is the overlap to expect."""

import numpy as np
import pytest

from models.lifting.calibration import UNLIKE_SHARE, Calibration, Signs
from models.lifting.fitting.agreement import Agreement


def lifts(count: int) -> tuple[list[Signs], list[float]]:
    """Lifts whose overlap is a logistic curve of what can be seen, with a little noise."""
    rng = np.random.default_rng(0)
    values = rng.uniform([0, 0, 0.02, 0], [0.5, 0.3, 0.1, 0.8], (count, 4))
    overlap = 1 / (1 + np.exp(-(2 - values @ [4, 3, 10, 2]))) + rng.normal(0, 0.01, count)
    return [Signs(Agreement(1 - a, b), c, 1 - d) for a, b, c, d in values], overlap.clip(0, 1).tolist()


def test_a_fitted_confidence_is_the_overlap_of_objects_it_has_not_seen() -> None:
    signs, overlaps = lifts(160)
    fitted = Calibration.fit(signs[:80], overlaps[:80], familiar=60)
    found = [fitted.confidence(one) for one in signs[80:]]
    assert np.abs(np.array(found) - overlaps[80:]).mean() < 0.03
    assert fitted.objects == 80
    worse = [one.agreement.disagreement > fitted.unlike for one in signs[:60]]
    assert np.mean(worse) == pytest.approx(1 - UNLIKE_SHARE, abs=0.02)


def test_one_sample_has_no_confidence_and_few_objects_no_calibration() -> None:
    calibration = Calibration((-4.0, -3.0, -10.0, -2.0), 2.0, 0.4, 80)
    perfect = Agreement(1.0, 0.0)
    assert calibration.confidence(Signs(perfect, None, 1.0)) is None
    assert calibration.confidence(Signs(Agreement(1.0, None), 0.0, 1.0)) is None
    assert calibration.confidence(Signs(perfect, 0.0, 1.0)) == pytest.approx(1 / (1 + np.exp(-2)))
    assert calibration.confidence(Signs(perfect, 0.0, 0.5)) == pytest.approx(1 / (1 + np.exp(-1)))
    with pytest.raises(ValueError, match="needs 16 objects or more, got 5; give more seeds"):
        Calibration.fit(*lifts(5), familiar=5)
    with pytest.raises(ValueError, match="with a point map, of which at least two samples have a surface"):
        Calibration.fit([Signs(perfect, None, 1.0)] * 16, [0.5] * 16, familiar=16)


def test_a_calibration_of_three_signs_asks_to_be_made_again() -> None:
    with pytest.raises(ValueError, match="4 weights, got 3: delete the file, and calibrate the model again"):
        Calibration((-4.0, -3.0, -10.0), 2.0, 0.4, 80)
