"""Quantities as words."""

import pytest

from scenes.questions import format_quantity


@pytest.mark.parametrize(
    ("value", "unit", "text"), [(1.43, "m/s", "1.4 m/s"), (0.05, "m", "0.05 m"), (93.2, "s", "93 s")]
)
def test_a_quantity_has_its_unit(value: float, unit: str, text: str) -> None:
    assert format_quantity(value, unit) == text


def test_a_number_that_has_no_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"between 0\.01 and 360"):
        format_quantity(0.001, "m")
