from __future__ import annotations

import pytest

from benchmarks.region_qa.published_parsers.spatialrgpt import read_metres, read_words


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Yes.", "yes"),
        ("Indeed, Region [0] is over it", "yes"),
        ("That is True.", "yes"),
        ("Actually, yes", "yes"),
        ("Correct, it is not as tall", "yes"),
        ("Incorrect, its width is less", "no"),
        ("In fact, it might be narrower", "no"),
        ("That is false", "no"),
        ("<think>Yes or no?</think>No", "no"),
        ("Region [0] is behind", None),
        ("nobody knows", None),
    ],
)
def test_agreement_is_what_an_answer_begins_with(said: str, read: str | None) -> None:
    assert read_words("yes", said).value == read


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Positioned lower is Region [1].", "region 1"),
        ("<region1>", "region 1"),
        ("the region marked 1", "region 1"),
        ("Region 1 is lower than Region 0", "region 1"),
        ("Compared to Region 0, Region 1 is lower", None),
        ("the left one", None),
    ],
)
def test_a_choice_is_the_one_region_that_is_named(said: str, read: str | None) -> None:
    assert read_words("region 0", said).value == read


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("It is at 10 o'clock.", "10 o'clock"),
        ("around the 10 o’clock direction", "10 o'clock"),
        ("10 o clock", "10 o'clock"),
        ("between 10 o'clock and 11 o'clock", None),
        ("13 o'clock", None),
    ],
)
def test_a_direction_is_one_hour(said: str, read: str | None) -> None:
    assert read_words("2 o'clock", said).value == read


def test_a_length_is_read_in_metres_and_not_from_the_number_of_a_region() -> None:
    assert read_metres("Region [0] is 39.37 inches wide").value == pytest.approx(1.0, rel=1e-4)
    assert read_metres("Region [0] and <region1> are 2 apart").value == 2.0
    assert read_metres("Region [0] is wide").value is None
