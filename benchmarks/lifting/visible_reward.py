"""A reward of lifted objects that needs no truth: does what is seen support the surface, and contradict none of it?"""

from __future__ import annotations

import numpy as np

from benchmarks.lifting.scores import Prediction
from benchmarks.lifting.truth import in_camera
from benchmarks.metrics.surface import Surface
from models.lifting.inputs.evidence import Evidence

POINTS = 500  # visible ones, and of the surface


def visible_reward(prediction: Prediction, evidence: Evidence) -> float:
    """Reward a surface that passes through the visible points and leaves free what the camera looks through.

    Minus the mean distance of visible points to the surface, minus the mean depth by which points of the surface stand
    before what is seen there (1 at most; nothing where there is no depth, or outside the picture); both in units of the
    visible points' extent. Source: ours; specs/sam3d.md 7.3 E7 asks for a visible-only reward.
    """
    surface = Surface(in_camera(prediction.mesh, prediction.cam_T_obj, prediction.scale), "the predicted mesh")
    apart = surface.distance(evidence.thinned(POINTS)).mean() / evidence.extent
    return float(-apart - evidence.occluding_depth(surface.sample(POINTS, np.random.default_rng(0))))
