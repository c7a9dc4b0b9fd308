"""Numbers as words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spoken_numbers import NUMBERS, format_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "0.01"), (0.1, "0.10"), (0.854, "0.85"), (0.996, "1.0"), (1.0, "1.0"), (1.449, "1.4"), (9.96, "10"),
        (12.4, "12"), (99.6, "100"), (124, "120"), (125.1, "130"), (360, "360"),
    ],
)  # fmt: skip
def test_numbers_have_two_significant_digits(value, text):
    assert format_number(float(value)) == text


@given(st.floats(0.01, 360))
def test_every_number_is_a_word_of_the_list_and_near_its_value(value):
    text = format_number(value)
    assert text in NUMBERS
    assert abs(float(text) - value) <= 0.05 * max(value, 0.1) + 1e-9  # half a step is at most 5 % from 0.1 on


def test_the_list_has_no_number_twice_and_holds_all_that_can_be_written():
    assert len(set(NUMBERS)) == len(NUMBERS)
    assert [format_number(float(n)) for n in NUMBERS] == list(NUMBERS)


@pytest.mark.parametrize("value", [0.0, -1.0, 0.005, 361.0, float("nan"), float("inf")])
def test_values_outside_the_list_are_refused(value):
    with pytest.raises(ValueError, match=r"between 0\.01 and 360"):
        format_number(value)
