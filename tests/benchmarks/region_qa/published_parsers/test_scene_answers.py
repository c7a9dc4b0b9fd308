from __future__ import annotations

import pytest
import torch

from benchmarks.region_qa.answer_parser import Parsed
from benchmarks.region_qa.published_parsers.scene_answers import clean_answer, clean_match, exact_match, refined_match
from benchmarks.region_qa.tasks.media import ClipInMemory
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import Question

CLIP = ClipInMemory(Clip(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.zeros(1)))
ITEM = Item("0", "0", CLIP, (), Question("any", "?", "brown"), ("exact_match",), ("brown cabinet", "the cabinet", "2"))


@pytest.mark.parametrize(
    ("said", "clean"),  # what Video-3D-LLM's function of the same purpose gives
    [
        ("  The Chair. ", "chair"),
        ("2 chairs", "two chairs"),
        ("to the letf of a tv", "to left of TV"),
        ("none", "zero"),
        ("23", "twenty-three"),
        ("21", "21"),
        ("2.5 m", "25 m"),
        ("mat2 no12", "mat no12"),
        ("10 oclock", "ten o'clock"),
        ("at 3 o'  clock", "at three o'clock"),
        ("an object, backwards!", "object, backward"),
        ("let's go", "left's go"),
        ("the a", "a"),
    ],
)
def test_answers_are_cleaned_as_leo_cleans_them(said: str, clean: str) -> None:
    assert clean_answer(said) == clean


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        ("brown cabinet", (1, 1, 1)),
        ("A brown cabinet.", (0, 1, 1)),
        ("two", (0, 1, 1)),
        ("cabinet", (0, 1, 1)),
        ("brown", (0, 0, 1)),  # within a reference
        ("browncabinet door", (0, 0, 1)),  # has a reference, without blanks
        ("door", (0, 0, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_a_match_is_exact_cleaned_or_refined(said: str, scores: tuple[int, ...]) -> None:
    metrics = (exact_match, clean_match, refined_match)
    assert tuple(metric(ITEM, said, Parsed(None)) for metric in metrics) == scores
