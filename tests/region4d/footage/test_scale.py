from __future__ import annotations

import pytest

from region4d.footage.scale import state_scale


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        ("2.4 m", "2.4 relative units"),
        ("about 140cm away", "about 140 relative units away"),
        ("0.5 m/s", "0.5 relative units/s"),
        ("3 feet 2 inches", "3 relative units 2 relative units"),
        ("20 m^2", "20 relative units^2"),
        ("B", "B"),
        ("3.5 s", "3.5 s"),
        ("12 metals", "12 metals"),
    ],
)
def test_an_answer_about_an_unknown_scale_has_no_metres(answer: str, stated: str) -> None:
    assert state_scale(answer, metric=False) == stated
    assert state_scale(answer, metric=True) == answer
