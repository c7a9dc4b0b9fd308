from __future__ import annotations

import pytest
import torch

from benchmarks.region_qa.answer_parser import Parsed
from benchmarks.region_qa.published_parsers.sti_bench import sti_bench
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import Question

CLIP = Clip(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.zeros(1))


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("(D)", 1),
        ("ans = 'd'", 1),
        ("Answer: D", 1),
        ("I take option D.", 1),
        ("D was correct", 1),
        ("the car: D.", 1),
        ("D", 1),  # no form, so the last character
        ("It moves to D", 1),
        ("(A) or (D)", 0),  # the first one
        ("2.5 m", 0),
        ("", 0),
    ],
)
def test_letters_are_read_as_by_sti_bench(said: str, score: int) -> None:
    item = Item.in_memory("0", "0", CLIP, [], Question("any", "?", "D", ("red", "green", "blue", "white", "black")))
    assert sti_bench(item, said, Parsed(None)) == score
