from __future__ import annotations

import pytest
import torch

from benchmarks.metrics.text.bleu import bleu, bleu_counts


def test_a_run_matches_as_often_as_the_reference_that_has_it_most_often() -> None:
    counts = bleu_counts("the the the", ["the cat", "the dog the"])
    assert counts.tolist() == [2, 0, 0, 0, 3, 2, 1, 0, 3, 3]


def test_of_references_that_are_equally_close_the_shorter_counts() -> None:
    assert bleu_counts("a b", ["x", "x y z"])[-1] == 1


def test_bleu_is_the_mean_of_matches_times_the_penalty_of_brevity() -> None:
    same = bleu(bleu_counts("a red chair here", ["a red chair here"]))
    assert same.tolist() == pytest.approx([1.0] * 4)
    short = bleu(bleu_counts("a red", ["a red chair here"]))
    assert short[:2].tolist() == pytest.approx([torch.exp(torch.tensor(-1.0)).item()] * 2)


def test_a_corpus_sums_its_items_and_not_their_scores() -> None:
    both = bleu(bleu_counts("a", ["a"]) + bleu_counts("b c d", ["x y z"]))
    assert both[0] == pytest.approx(1 / 4)


def test_a_text_needs_a_reference() -> None:
    with pytest.raises(ValueError, match="needs a reference"):
        bleu_counts("a", [])
