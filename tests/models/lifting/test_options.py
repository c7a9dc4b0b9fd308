from typing import Any

import pytest

from models.lifting import Sampling


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"best_of": 0}, "best_of must be 1 or more, got 0"),
        ({"fit": "shape", "regression": True}, "a regression has no flow to fit shapes with"),
    ],
)
def test_a_sampling_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Sampling(**options)


def test_the_defaults_are_those_released() -> None:
    released = Sampling()
    assert (released.steps, released.warp, released.best_of) == (25, 3.0, 1)
    assert (released.fit, released.shortcut, released.regression) == ("none", False, False)
