"""Comparison of camera poses."""

from __future__ import annotations

import torch

from models.geometry import invert


def pose_errors(estimated: torch.Tensor, true: torch.Tensor) -> tuple[float, float]:
    """Measure the largest rotation error (degrees) and translation error of poses, both seen from the first camera."""
    error = invert(invert(true[0]) @ true) @ (invert(estimated[0]) @ estimated)
    cosine = (error[:, :3, :3].diagonal(dim1=1, dim2=2).sum(-1) - 1) / 2
    return float(torch.rad2deg(cosine.clamp(-1, 1).acos()).max()), float(error[:, :3, 3].norm(dim=1).max())
