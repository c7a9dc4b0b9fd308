"""What counts as a difference, and what as rounding."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from benchmarks.parity.comparison import EXACT, MARGIN, Comparison, Tolerance, compare_prompt, rounding_cost, tolerance
from benchmarks.parity.golden import Golden, RecordedPrompt
from benchmarks.parity.hidden_states import HiddenStates
from benchmarks.parity.replay import Replay

LOGITS = torch.tensor([[9.0, 8.9, 3.0, 2.0, 1.0, 0.0, -1.0], [0.0, 1.0, 5.0, 2.0, 3.0, 4.0, -1.0]])
STATES = torch.arange(1, 25).reshape(2, 3, 4).float()  # layer, position, channel
BEST = LOGITS.topk(5)
PROMPT = RecordedPrompt(
    name="prompt",
    messages=[],
    seconds=None,
    input_ids=torch.tensor([4, 7, 4]),
    tokens=torch.tensor([0, 2]),
    top_ids=BEST.indices,
    top_logits=BEST.values,
    margins=None,
    hidden=HiddenStates.over(STATES),
    max_new_tokens=2,
)
SAME = Replay([4, 7, 7, 5, 4], [4, 7, 4], LOGITS, HiddenStates.over(STATES), torch.tensor([0, 2]))
LIMITS = Tolerance(0.2, (1e-4, 1e-4))


def compared(prompt: RecordedPrompt, replayed: Replay) -> str | None:
    return Comparison("float32", LIMITS, (compare_prompt(prompt, replayed),)).first_difference


def test_an_equal_answer_does_not_differ() -> None:
    found = compare_prompt(PROMPT, SAME)
    assert (found.logits, found.equal_top, found.steps, found.different_token) == (0, 2, 2, None)
    assert found.layers == (0, 0)
    assert compared(PROMPT, SAME) is None


@pytest.mark.parametrize("ids", [[4, 7, 4], [4, 7, 7, 5, 4]])
def test_ids_are_recorded_with_one_media_token_a_tile_or_with_all(ids: list[int]) -> None:
    assert compared(replace(PROMPT, input_ids=torch.tensor(ids)), SAME) is None
    found = compared(replace(PROMPT, input_ids=torch.tensor([*ids[:2], 9])), SAME)
    assert found == "prompt 'prompt' is the first that differs, in its ids, from place 2"


def test_another_token_between_near_equals_is_rounding_and_elsewhere_is_not() -> None:
    tie = replace(SAME, tokens=torch.tensor([1, 2]))
    assert compare_prompt(PROMPT, tie).gap == pytest.approx(0.1, rel=1e-5)
    assert compared(PROMPT, tie) is None
    other = replace(SAME, tokens=torch.tensor([0, 5]))
    assert "in its greedy tokens, from token 1 (which was worse by 1.0e+00)" in str(compared(PROMPT, other))
    unrecorded = replace(SAME, tokens=torch.tensor([6, 2]))
    assert compare_prompt(PROMPT, unrecorded).gap == 8  # at least: the fifth is worse by so much


def test_an_answer_that_ends_elsewhere_differs() -> None:
    for tokens in ([0], [0, 2, 3]):
        found = compare_prompt(PROMPT, replace(SAME, tokens=torch.tensor(tokens)))
        assert found.gap == math.inf
        assert "greedy tokens" in str(compared(PROMPT, replace(SAME, tokens=torch.tensor(tokens))))


def test_a_token_that_was_not_among_the_best_counts_by_its_lead() -> None:
    logits = LOGITS.clone()
    logits[0, 6] = 4.0  # the fifth that was recorded has 1
    assert compare_prompt(PROMPT, replace(SAME, logits=logits)).logits == 3


def test_tokens_beyond_the_vocabulary_are_left_out() -> None:
    ids, logits = torch.tensor([[99, 0, 1, 2, 3]]), torch.tensor([[9.5, 9.0, 8.9, 3.0, 2.0]])
    assert compare_prompt(replace(PROMPT, top_ids=ids, top_logits=logits), SAME).logits == 0


def test_nan_differs() -> None:
    assert "at embeddings" in str(compared(PROMPT, replace(SAME, hidden=HiddenStates.over(STATES * math.nan))))
    assert "in its logits" in str(compared(replace(PROMPT, hidden=None), replace(SAME, logits=LOGITS * math.nan)))


def test_the_first_layer_that_differs_is_named() -> None:
    moved = STATES.clone()
    moved[1] *= 1.01
    assert "at layers.0 and norm (relative error 1.0e-02, tolerance 1.0e-04)" in str(
        compared(PROMPT, replace(SAME, hidden=HiddenStates.over(moved)))
    )


def test_the_tolerance_is_the_order_of_sums_and_the_measured_cost_of_rounding() -> None:
    golden = Golden("float32", (PROMPT,))
    rounded = replace(SAME, logits=LOGITS + 0.25, hidden=HiddenStates.over(STATES * 1.125))
    cost = rounding_cost(golden, [SAME], [rounded])
    assert cost.logits == 0.25
    assert cost.layers == pytest.approx((0.125, 0.125))
    limits = tolerance(golden, [cost])
    assert limits.logits == pytest.approx(9 * EXACT + MARGIN * 0.25)
    assert limits.layers == pytest.approx((EXACT + MARGIN * 0.125,) * 2)
    assert tolerance(golden, []).layers == (EXACT, EXACT)
