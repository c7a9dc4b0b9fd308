"""Rewards of candidates, the pairs they make, and the weights that a store of them is keyed by."""

from __future__ import annotations

import torch

from models.lifting import LiftingModel
from training.lifting.candidates import best_and_worst, solid_iou, weights_hash


def solid(*voxels: int) -> torch.Tensor:
    grid = torch.zeros(8, dtype=torch.bool)
    grid[list(voxels)] = True
    return grid.reshape(1, 2, 2, 2)


def test_solids_overlap_by_what_they_share_of_what_either_fills() -> None:
    inside = torch.cat([solid(0, 1, 2), solid(0, 1), solid(0), solid()])
    truth = torch.cat([solid(1, 2, 3), solid(0, 1), solid(7), solid()])
    assert solid_iou(inside, truth).tolist() == [0.5, 1, 0, 0]


def test_pairs_are_the_best_and_the_worst_of_an_object() -> None:
    rewards = torch.tensor([[0.1, 0.5, 0.3], [0.2, 0.21, 0.2]])
    objects, winners, losers = best_and_worst(rewards, 0.1)
    assert (objects.tolist(), winners.tolist(), losers.tolist()) == ([0], [1], [0])


def test_a_difference_of_just_the_margin_is_a_pair_and_no_difference_too_where_it_is_zero() -> None:
    rewards = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    assert best_and_worst(rewards, 0.5)[0].tolist() == [0]
    assert best_and_worst(rewards, 0.0)[0].tolist() == [0, 1]
    assert best_and_worst(rewards, 0.51)[0].tolist() == []


def test_the_hash_of_weights_changes_with_any_of_them(tiny: LiftingModel) -> None:
    before = weights_hash(tiny)
    assert weights_hash(tiny) == before
    with torch.no_grad():
        parameter = next(reversed(list(tiny.parameters())))
        parameter.flatten()[0] += 1e-3
    assert weights_hash(tiny) != before
