"""Errors of hidden states, layer by layer."""

from __future__ import annotations

import pytest
import torch

from benchmarks.parity.hidden_states import HiddenStates

STATES = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))


def test_a_change_before_the_last_position_is_seen_in_mean_and_rms() -> None:
    changed = STATES.clone()
    changed[1, 0] += 1
    errors = HiddenStates.over(changed).errors(HiddenStates.over(STATES))
    assert errors[[0, 2]].tolist() == [0, 0]
    expected = float(torch.full((4,), 0.2).norm() / STATES[1].square().mean(0).sqrt().norm())
    assert float(errors[1]) >= expected * 0.999


def test_where_only_embeddings_were_recorded_in_full_later_layers_count_by_their_last_position() -> None:
    recorded = HiddenStates.over(STATES[:1], STATES[:, -1])
    changed = STATES.clone()
    changed[1, 0] += 1
    changed[2, -1] *= 1.5
    errors = HiddenStates.over(changed).errors(recorded)
    assert errors.tolist() == pytest.approx([0, 0, 0.5])


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"hidden states of \(2, 4\).* the checkpoint of \(3, 4\)"):
        HiddenStates.over(STATES).errors(HiddenStates.over(STATES[:2]))
