"""Rewards that choose one of several candidates, and the measure of visible support that needs no truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.lifting.scores import Prediction
from benchmarks.lifting.truth import in_camera
from benchmarks.metrics.surface import Surface
from models.lifting.inputs.evidence import Evidence

Scores = Mapping[str, float]
Reward = Callable[[Scores], float]
POINTS = 500  # visible points, and points of the surface, that are compared


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


def visible_support(prediction: Prediction, evidence: Evidence) -> float:
    """Reward a surface that passes through the visible points and leaves the observed free space empty.

    Minus the mean distance of visible points to the surface, minus the mean depth by which points of the surface lie
    in front of the observed depth (1 at most; 0 where there is no depth, or outside the picture); both in units of the
    visible points' extent. Source: ours; specs/sam3d.md 7.3 E7 asks for a visible-only reward.
    """
    surface = Surface(in_camera(prediction.mesh, prediction.cam_T_obj, prediction.scale), "the predicted mesh")
    distance = surface.distance(evidence.thinned(POINTS)).mean() / evidence.extent
    return float(-distance - evidence.occluding_depth(surface.sample(POINTS, np.random.default_rng(0))))
