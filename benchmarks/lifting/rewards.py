"""Rewards for choosing among candidates, one of which needs no truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.lifting.scores import Prediction
from benchmarks.lifting.truth import in_camera
from benchmarks.metrics.surface import Surface
from models.lifting.inputs.evidence import Evidence

Scores = Mapping[str, float]
Reward = Callable[[Scores], float]
COMPARED_POINTS = 500  # visible points, and points of the surface


def true_reward(scores: Scores) -> float:
    """Return minus the Chamfer distance of the shapes in their own axes, since DPO does not train the pose."""
    return -scores["canonical_chamfer"]


def oracle_reward(scores: Scores) -> float:
    """Return minus ADD-S, which needs the true shape and pose."""
    return -scores["add_s"]


def visible_reward(scores: Scores) -> float:
    """Return the visible support, which needs no truth; 0 for a method that saw no points."""
    return scores.get("visible_reward", 0.0)


def connected_reward(scores: Scores) -> float:
    """Return the share of the surface in its largest connected part."""
    return scores["pieces"]


def visible_support(prediction: Prediction, evidence: Evidence) -> float:
    """Reward a surface that passes through the visible points and leaves the observed free space empty.

    It is minus the mean distance of the visible points to the surface, minus the mean depth by which surface points
    lie in front of the observed depth (at most 1; 0 where depth is unknown, or outside the picture). Both are in units
    of the visible points' extent. Source: ours, for the visible-only reward of specs/sam3d.md 7.3 E7.
    """
    surface = Surface(in_camera(prediction.mesh, prediction.cam_T_obj, prediction.scale), "the predicted mesh")
    distance = surface.distance(evidence.thinned(COMPARED_POINTS)).mean() / evidence.extent
    return float(-distance - evidence.occluding_depth(surface.sample(COMPARED_POINTS, np.random.default_rng(0))))
