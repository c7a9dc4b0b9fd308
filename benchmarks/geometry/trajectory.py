"""Errors of estimated camera poses."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import align_similarity, invert


def pose_errors(
    estimated: Float[Tensor, "time 4 4"], true: Float[Tensor, "time 4 4"], scale: float = 1.0
) -> tuple[float, float]:
    """Measure the largest rotation error (degrees) and translation error of poses, both seen from the first camera.

    Estimated translations are multiplied by `scale`; the translation error has the unit of the true ones.
    """
    estimated, true = estimated.double().clone(), true.double()
    estimated[:, :3, 3] *= scale
    error = invert(invert(true[0]) @ true) @ (invert(estimated[0]) @ estimated)
    chord = (error[:, :3, :3] - torch.eye(3).to(error)).flatten(1).norm(dim=1)  # accurate near 0, where acos is not
    angles = 2 * (chord / 8**0.5).clamp(max=1).asin()
    return float(torch.rad2deg(angles).max()), float(error[:, :3, 3].norm(dim=1).max())


def fitted_scale(estimated: Float[Tensor, "time 4 4"], true: Float[Tensor, "time 4 4"]) -> float:
    """Fit the scale of estimated camera centres to the true ones, by a similarity (Umeyama)."""
    _, scale = align_similarity(estimated[:, :3, 3], true[:, :3, 3])
    return float(scale)


def path_length(poses: Float[Tensor, "time 4 4"]) -> float:
    """Sum the distances between neighbouring camera centres."""
    return float(poses[:, :3, 3].diff(dim=0).norm(dim=1).sum())
