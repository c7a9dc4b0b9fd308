"""The final answer in the output of a model, whatever template it was given."""

from __future__ import annotations

import pytest

from benchmarks.region_qa.answers.final_answer import final_answers


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("plain words", ["plain words"]),
        ("<think>a</think> b <think>c</think> d", ["d"]),
        ("<think>a<think>b</think>c</think>d", ["d"]),
        ("<answer>x</answer> and <answer>y</answer>", ["x", "y"]),
        ("say it in <answer> tags: <answer>x</answer>", ["x"]),
        ("<answer><answer>x</answer></answer>", ["x"]),
        ("<answer>2.5</answer> cm. And 3 m more", ["2.5 cm"]),
        (r"\boxed{2.5} cm", ["2.5 cm"]),
        (r"\boxed{red} cm", ["red"]),
        ('{"answer": 2.5, "unit": "cm", "note": "3 m"}', ["2.5 cm"]),
        ('{"answer": ["A", "B"]}', ["A or B"]),
        ('{"colour": "red"}', []),
        ("The answer is A. No, the answer is B", ["B"]),
        ("the answer", ["the answer"]),
        ("<think>cut off", []),
        ("<think>all</think>", []),
        ("", []),
    ],
)
def test_the_answer_is_found_in_its_wrapping(text: str, answers: list[str]) -> None:
    assert final_answers(text) == answers


@pytest.mark.parametrize("piece", ["<think>", "</think><think>", "<answer>", "{", "{'a': ", "<|im_end|>", "[/inst]"])
def test_broken_wrapping_of_any_length_is_no_error(piece: str) -> None:
    assert final_answers(piece * 5000 + "(B)") is not None
