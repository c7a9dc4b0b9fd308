"""Answers of every manner of speaking, each read as documented."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


FOUR = ("red", "green", "blue", "white")


@pytest.mark.parametrize(
    "text",
    [
        "<answer>B</answer>", "<think>A or C?</think><answer>B</answer>", "<think>Maybe (A).</think>\nB",
        "<answer>B", "B</answer>", "<ANSWER> (B) </ANSWER>", "maybe (A) </think> B", "[THINK](A)[/THINK]B",
        "◁think▷(A)◁/think▷B", "<seed:think>(A)</seed:think>B", "<REASONING>(A)</REASONING><CONCLUSION>B</CONCLUSION>",
        "<|begin_of_thought|>(A)<|end_of_thought|><|begin_of_solution|>B<|end_of_solution|>",
        "<think>(A)</think><|begin_of_box|>B<|end_of_box|>", "<answer>B</answer><think>(A)</think>",
        "<|channel|>analysis<|message|>(A)<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>",
        "B<|im_end|>", "B<|endoftext|>", "B</s></s>", "B<|im_end|>\n<|im_start|>user\n(A)?", "[INST] (A)? [/INST] B",
        "<|im_start|>assistant\nB<|im_end|>", "[ANSWER]B[/ANSWER]", "[Answer] B",
        "&lt;answer&gt;B&lt;/answer&gt;", "<answer>B</answer> <answer>b</answer>",
    ],
)  # fmt: skip
def test_the_final_answer_counts_and_no_letter_of_the_reasoning(text):
    assert parse_answer(text, FOUR).value == "B"


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{B}", r"The answer is $\boxed{B}$.", r"\boxed{\text{B}}", r"\[ \boxed{\mathrm{(B)}} \]", r"\fbox{B}",
        "[B]", "[[B]]", "(b) green", "b) green", "option b", "The correct option is B", "Choice: B", "Letter B",
        '{"answer": "B"}', '```json\n{"reasoning": "(A)?", "answer": "B"}\n```', "{'answer': 'B'}", "{answer: B}",
        '{"answer": ["B"]}', '{"letter": "b"}', '{"option": "B", "confidence": 0.9}', '["B"]', '{"answer": "green"}',
        "'B'", "‘B’", "`B`", "_B_", "<b>B</b>", "**Answer**: B", "### Answer\nB", "Ans: B", "Answer - B", "#### B",
        "I think it is B", "It is B", "It's B", "I'd go with B", "Therefore, B", "B -> green", "B - green",
        "(A) red\n(B) green\n(C) blue\n(D) white\n\nThe object looks green.\n**(B)**",
        "A. red\nB. green\nC. blue\nD. white\nAnswer: B", "Looking at it, it is green.\n\nB",
        "The answer is (B), not (A)", "B rather than A", "(A) is wrong. (B) is right.",
    ],
)  # fmt: skip
def test_wrapped_bracketed_and_lower_case_letters_are_read(text):
    assert parse_answer(text, FOUR).value == "B"


@pytest.mark.parametrize(
    "text",
    [
        "答案是B", "（B）", "Ｂ", "B。", "Ｂ：green", "答案：B", "答案为（B）", "选B", "我选择B", "选项B",
        "正确选项是B", "答：B", "答案是B，不是A", "【B】", "「B」", "答えはBです", "正解はB", "정답은 B입니다",
        "La réponse est B", "Antwort: B",
        "Die Antwort ist B.", "La respuesta es (B)", "La risposta è B", "A resposta é B", "Ответ: B",
    ],
)  # fmt: skip
def test_letters_are_read_in_full_width_and_in_other_languages(text):
    assert parse_answer(text, FOUR).value == "B"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is not A", "It is not B", "neither A nor B", "<think>It is (B)", "<think>It is B</think>",
        "<answer></answer>", "<answer>A</answer><answer>B</answer>", r"\boxed{A} or \boxed{B}", "A/B", "AB", "B或C",
        "B oder C",
        '{"answer": ["A", "B"]}', '{"answer": null}', '{"thought": "(A)"}', "object(s)", "answer a question",
        "(A) red\n(B) green\n(C) blue\n(D) white", "None of the above", "I cannot tell.", "2",
    ],
)  # fmt: skip
def test_no_letter_is_made_up(text):
    assert parse_answer(text, FOUR).value is None


def test_a_letter_beside_the_value_of_another_option_is_ambiguous():
    assert parse_answer("(B) 200 cm", METRES).value == "B"
    assert "says A and B" in parse_answer("(B) 140 cm", METRES).reason


def test_more_options_than_letters_are_an_error_of_the_caller():
    assert parse_answer("Z", tuple(map(str, range(26)))).value == "Z"
    with pytest.raises(ValueError, match="at most 26 options, A to Z; got 27"):
        parse_answer("B", tuple(map(str, range(27))))


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("<answer>2.5 m</answer>", "m", 2.5),
        ("<think>It is 3 m wide and 4 m deep.</think><answer>2.5</answer>", "m", 2.5),
        ("<think>3 m ... 4 m</think> 2.5", "m", 2.5),
        ("<answer>140</answer> cm", "m", 1.4),
        (r"$\boxed{140}$ cm", "m", 1.4),
        (r"\boxed{140 \text{ cm}}", "m", 1.4),
        ('{"answer": 140, "unit": "cm"}', "m", 1.4),
        ('{"distance_cm": 140}', "m", 1.4),
        (r"\scalar{1} \distance_unit{meter}", "m", 1.0),
        (r"\scalar{100} \distance_unit{cm}", "m", 1.0),
        (r"\scalar{1} \distance_unit{foot}", "m", 0.3048),
        ("1. **Stools**: ...\n\n2. **Points**: ...\n\n\\scalar{1} \\distance_unit{meter}", "m", 1.0),
        ("**140** cm", "m", 1.4),
        ("2.5 m<|im_end|>", "m", 2.5),
        ("2.5 m (8.2 ft)", "m", 2.5),
        ("Distance (cm): 250", "m", 2.5),
        ("It is 2 m, not 3 m", "m", 2.0),
        ("答案是2.5米", "m", 2.5),
        ("约2.5 m", "m", 2.5),
        ("2.5米左右", "m", 2.5),
        ("２．５ｍ", "m", 2.5),
        ("0.20 green", "m/s", 0.2),
    ],
)
def test_numbers_are_found_in_their_wrapping(text, unit, value):
    assert parse_answer(text, unit=unit).value == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "unit", "reason"),
    [
        ("60 frames", "s", "60 frames is not in s"),
        ("3 objects are visible", "m", "3 objects is not in m"),
        ("20 m²", "m", "20 m^2 is not in m"),
        ("50%", "m", "50 % is not in m"),
        ("3 body lengths", "m", "3 body is not in m"),
        ("5 m per frame", "m/s", "5 m is not in m/s"),
        ("less than 2 m", "m", "2 m is a bound or denied"),
        ("> 2 m", "m", "2 m is a bound or denied"),
        ("not 2 m", "m", "2 m is a bound or denied"),
        ("1e999 m", "m", "the number is not finite"),
        ("1e308 km", "m", "the number is not finite"),
        ("1/0 m", "m", "the number is not finite"),
        ("inf m", "m", "no number"),
        ("In centimetres, it is 250", "m", "a bare number beside centimetres"),
        ("<answer>2 m</answer><answer>3 m</answer>", "m", "2 different final answers"),
        ("<think>3 m", "m", "no answer after the reasoning"),
        ("the object in frame 3", "m", "no number"),
        (r"\scalar{2-3} \distance_unit{m}", "m", "different numbers"),
    ],
)
def test_what_is_not_a_number_in_the_unit_stays_unparsed_with_the_reason(text, unit, reason):
    parsed = parse_answer(text, unit=unit)
    assert parsed.value is None
    assert reason in parsed.reason


PIECES = (
    "2.5", "1,234", "1/2", "π", "½", "m", "cm", "ft", "'", '"', "°", "per", "s", "²", "half a", "two", "hundred", "米",
    "三", "not", "or", "-", "~", "{", "}", "\\boxed{", "\\frac{", "<think>", "</think>", "<answer>", "</answer>",
    "<|im_end|>", '{"answer": ', "(A)", "B", "b", "answer is", "答案是", "**", "\n", " ", "e999", "\u200b", "�",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.booleans())
def test_any_text_gives_a_letter_of_the_options_a_finite_number_or_a_reason(text, choice):
    parsed = parse_answer(text, FOUR) if choice else parse_answer(text, unit="m")
    if parsed.value is None:
        assert parsed.reason
    else:
        assert parsed.value in ("A", "B", "C", "D") if choice else math.isfinite(parsed.value)
