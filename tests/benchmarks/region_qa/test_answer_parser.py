"""Answers of every manner of speaking, each read as documented."""

from __future__ import annotations

import pytest

from benchmarks.region_qa.answer_parser import parse_answer

COLOURS = ("red", "blue", "dark green", "white")
REGIONS = ("<region0>", "<region1>")
METRES = ("1.4 m", "2.0 m", "2.8 m", "0.70 m")


@pytest.mark.parametrize(
    "text",
    [
        "B", "b", " B\n", "(B)", "B.", "B)", "b)", "(b).", "**B**", '"B"', "B) blue", "B. blue", "(B) blue", "B: blue",
        "B blue", "B because it is closer.", "B, since it is closer", "Option B", "option B.", "Choice B is right.",
        "Answer: B", "Answer B", "The answer is B", "The answer is B.", "The correct answer is (B).",
        "The answer to the question is B",
        "the answer is: B", "First I thought A. The answer is A. No, the answer is B.", "B\nExplanation: it is blue.",
        "blue", "Blue.", "It is blue.", "It's blue", "The answer is blue", "a blue", "\"blue\"",
    ],
)  # fmt: skip
def test_letters_and_option_texts_are_read(text):
    assert parse_answer(text, COLOURS).value == "B"


@pytest.mark.parametrize(
    "text", ["A", "(A) red", "A. Because it is near.", "A because it is near", "A red", "The answer is A"]
)
def test_the_letter_a_is_read(text):
    assert parse_answer(text, COLOURS).value == "A"


@pytest.mark.parametrize(
    "text", ["<region1>", "region 1", "Region [1]", "Region 1.", "region1", "It is <region1>.", "(B) <region1>"]
)
def test_regions_are_named_in_many_ways(text):
    assert parse_answer(text, REGIONS).value == "B"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("A or B", "says A and B"),
        ("(A) or (B)", "says A and B"),
        ("A, B", "says A and B"),
        ("(A) red (B) blue", "says A and B"),
        ("A. blue", "says A and B"),
        ("E", "letter E is none of the options A to D"),
        ("I am not sure.", "free text"),
        ("A chair stands there.", "free text"),
        ("red or blue", "free text"),
        ("The thing looks reddish", "free text"),
    ],
)
def test_what_is_ambiguous_or_free_text_stays_unparsed_with_the_reason(text, reason):
    parsed = parse_answer(text, COLOURS)
    assert parsed.value is None
    assert reason in parsed.reason


@pytest.mark.parametrize(
    "text",
    ["2.0 m", "2 m", "2.00", "200 cm", "2 meters", "about 2 metres", "The answer is 2.0 m.", "6.562 ft", "2.0019 m"],
)
def test_a_value_equal_to_exactly_one_option_is_that_option(text):
    assert parse_answer(text, METRES).value == "B"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.98 m", "equals no option"),
        ("2.003 m", "equals no option"),
        ("2.0 s", "equals no option"),
        ("1.4 m or 2.0 m", "several numbers"),
    ],
)
def test_a_value_is_never_snapped_to_the_nearest_option(text, reason):
    parsed = parse_answer(text, METRES)
    assert parsed.value is None
    assert reason in parsed.reason


def test_a_value_that_equals_two_options_is_ambiguous():
    assert "ambiguous" in parse_answer("2 m", ("2.0 m", "200 cm")).reason


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.4 m", "m", 1.4),
        ("1.4", "m", 1.4),
        (".5 m", "m", 0.5),
        ("140 cm", "m", 1.4),
        ("1,400 mm", "m", 1.4),
        ("The distance is about 1.4 meters.", "m", 1.4),
        ("<region0> is 1.4 m from <region1>", "m", 1.4),
        ("Region 2 is 1.4-meter away in frame 3", "m", 1.4),
        ("It is 1.4 m (140 cm).", "m", 1.4),
        ("12 inches", "m", 0.3048),
        ("12 in", "m", 0.3048),
        ("5'3\"", "m", 63 * 0.0254),
        ("5 feet 3 inches", "m", 63 * 0.0254),
        ("5 ft and 3 in.", "m", 63 * 0.0254),
        ("two metres", "m", 2.0),
        ("3 km/h", "m/s", 3 / 3.6),
        ("2 meters per second", "m/s", 2.0),
        ("0.5 m/s", "m/s", 0.5),
        ("250 ms", "s", 0.25),
        ("2 minutes", "s", 120.0),
        ("half a turn is 3.14159265 rad", "degrees", 180.0),
        ("90°", "degrees", 90.0),
        ("-0.5 m", "m", -0.5),
        ("1e-1 m", "m", 0.1),
        ("three", "", 3.0),
        ("I count 3 in total", "", 3.0),
    ],
)
def test_numbers_are_converted_to_the_unit_that_was_asked_for(text, unit, value):
    assert parse_answer(text, unit=unit).value == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.4 m or 2 m", "different numbers"),
        ("1.4-1.6 m", "different numbers"),
        ("between 1 and 2", "different numbers"),
        ("3 s", "is not in m"),
        ("far away", "no number"),
        ("a 3D box", "no number"),
        ("the red one", "no number"),
    ],
)
def test_several_numbers_wrong_units_and_no_number_stay_unparsed(text, reason):
    parsed = parse_answer(text, unit="m")
    assert parsed.value is None
    assert reason in parsed.reason


def test_an_unknown_unit_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="unknown unit 'kg'"):
        parse_answer("3", unit="kg")
