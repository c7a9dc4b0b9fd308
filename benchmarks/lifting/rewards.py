"""Rewards by which one of several candidates is chosen, from the metrics of a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Scores = Mapping[str, float]
Reward = Callable[[Scores], float]


def true_reward(scores: Scores) -> float:
    """Return minus the Chamfer distance of the shapes, each in its own axes, since DPO learns no pose."""
    return -scores["canonical_chamfer"]


def oracle_reward(scores: Scores) -> float:
    """Return minus ADD-S: the truth, shape and pose."""
    return -scores["add_s"]


def visible_reward(scores: Scores) -> float:
    """Return the reward that needs no truth; candidates of a method that saw no points are equal."""
    return scores.get("visible_reward", 0.0)


def connected_reward(scores: Scores) -> float:
    """Return the share of the surface that is in one piece."""
    return scores["pieces"]
