"""Preference alignment: log 2 where nothing was learned, and a gradient that points towards the winner."""

import math
from copy import deepcopy

import pytest
import torch

from models.lifting import FlowTransformer
from models.lifting.flow_matching.dpo import dpo_loss, preference_loss
from models.lifting.flow_matching.paths import draw_noise
from models.lifting.networks.conditioning import Condition
from tests.support.lifting import shaken


@pytest.fixture
def flow() -> FlowTransformer:
    torch.manual_seed(0)
    model = shaken(FlowTransformer(side=2, width=24, depth=1, heads=2, context_width=4))
    assert isinstance(model, FlowTransformer)
    return model


def pairs(flow: FlowTransformer) -> tuple:
    generator = torch.Generator().manual_seed(0)
    winner, loser, noise = (draw_noise(flow.token_shapes, 4, generator=generator) for _ in range(3))
    condition = Condition(torch.randn(4, 3, 4, generator=generator), 1)
    return winner, loser, noise, torch.rand(4, generator=generator), condition


def test_the_loss_is_log_2_at_identical_models(flow: FlowTransformer) -> None:
    found = preference_loss(flow, deepcopy(flow), *pairs(flow), beta=500)
    assert found.loss.item() == pytest.approx(math.log(2), abs=1e-7)


def test_a_step_down_the_gradient_fits_the_winner_better_than_the_loser(flow: FlowTransformer) -> None:
    reference, given = deepcopy(flow).requires_grad_(False), pairs(flow)
    before = preference_loss(flow, reference, *given, beta=10)
    before.loss.backward()
    assert all(parameter.grad is None for parameter in reference.parameters())
    assert all(parameter.grad is None for parameter in flow.layout.parameters())  # on the shape alone
    torch.optim.SGD(flow.shape.parameters(), 1e-3).step()
    after = preference_loss(flow, reference, *given, beta=10)
    assert after.loss < before.loss
    assert after.winner_error - before.winner_error < after.loser_error - before.loser_error


def test_the_gradient_falls_with_the_winner_s_error_and_rises_with_the_loser_s() -> None:
    """At the reference: d loss / d winner = beta / 2 / pairs, and the loser's is its negative."""
    errors = [torch.full((4,), 0.3, requires_grad=True) for _ in range(2)]
    loss, _ = dpo_loss(*errors, torch.full((4,), 0.3), torch.full((4,), 0.3), beta=8)
    loss.backward()
    winner, loser = errors
    assert winner.grad is not None
    assert loser.grad is not None
    assert winner.grad.tolist() == [8 / 2 / 4] * 4
    assert loser.grad.tolist() == [-8 / 2 / 4] * 4


def test_the_loss_is_the_published_formula_and_counts_who_is_preferred() -> None:
    win, lose = torch.tensor([0.1, 0.4]), torch.tensor([0.5, 0.2])
    reference_win, reference_lose = torch.tensor([0.2, 0.2]), torch.tensor([0.3, 0.2])
    loss, accuracy = dpo_loss(win, lose, reference_win, reference_lose, beta=2)
    deltas = [(0.1 - 0.2) - (0.5 - 0.3), (0.4 - 0.2) - (0.2 - 0.2)]
    expected = sum(-math.log(1 / (1 + math.exp(2 * delta))) for delta in deltas) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert accuracy.item() == 0.5
