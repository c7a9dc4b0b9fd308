"""Against what the published code gives for the same answers (numbers recorded in ../shared/golden)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.region_qa.answer_parser import Parsed
from benchmarks.region_qa.item_metrics import mra, read_answer
from benchmarks.region_qa.published_parsers.vsibench import (
    computed_mra,
    first_number,
    first_word,
    vsibench,
    vsibench_lmms_eval,
)
from benchmarks.region_qa.tasks.media import ClipInMemory
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import Question

CLIP = ClipInMemory(Clip(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.zeros(1)))
NOTHING = Parsed(None)


def letter(answer: str) -> Item:
    return Item("0", "0", CLIP, (), Question("any", "?", answer, ("red", "green", "blue", "white")))


def number(value: float) -> Item:
    return Item("0", "0", CLIP, (), Question("any", "?", str(value), value=value, unit="m"))


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    path = Path(__file__).resolve().parents[5] / "shared" / "golden" / "vsibench_scoring.json"
    if not path.is_file():
        pytest.skip("recorded values (../shared/golden) are not beside this checkout")
    recorded: dict[str, Any] = json.loads(path.read_text())
    return recorded


def test_answers_are_read_as_vsi_bench_and_lmms_eval_read_them(golden: dict[str, Any]) -> None:
    for case in golden["answers"]:
        said = case["answer"]
        assert first_word(said) == case["fuzzy_matching"], said
        assert first_number(said) == case["extract_number"], said
        assert vsibench(letter("B"), said, NOTHING) == case["accuracy_for_B"], said
        for truth in (3.5, 3, 2, 1.2, 1200):
            assert vsibench_lmms_eval(number(float(truth)), said, NOTHING) == pytest.approx(case[f"MRA_for_{truth}"]), (
                said
            )
            assert vsibench(number(float(truth)), said, NOTHING) == pytest.approx(case[f"MRA_original_for_{truth}"]), (
                said
            )


def test_mra_is_computed_as_vsi_bench_computes_it(golden: dict[str, Any]) -> None:
    rows = golden["mra"]["rows"]
    assert [computed_mra(said, truth) for said, truth, _ in rows] == pytest.approx([score for *_, score in rows])


def test_at_an_error_of_exactly_ten_percent_the_published_mra_counts_a_threshold_that_the_formula_does_not() -> None:
    assert computed_mra(1.1, 1.0) == pytest.approx(0.9)
    assert mra(number(1.0), "", Parsed(1.1)) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("said", "published", "ours"),
    [
        ("B", 1, 1),
        ("b. green", 1, 1),
        ("(B)", 0, 1),
        ("The answer is B", 0, 1),
        ("green", 0, 1),
        ("A", 0, 0),
        ("", 0, 0),
    ],
)
def test_our_parser_reads_forms_that_vsi_bench_does_not(said: str, published: int, ours: int) -> None:
    item = letter("B")
    assert vsibench(item, said, NOTHING) == published
    assert mra(item, said, read_answer(item, said)) == ours
