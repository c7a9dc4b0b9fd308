"""Errors of predicted points and depth against labels: those of a probe's metrics that need no camera."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, vmap

from benchmarks.metrics.dense import abs_rel
from benchmarks.metrics.points import aligned_point_errors, depth_error


def dense_errors(
    points: Float[Tensor, "clip view height width 3"],
    depth: Float[Tensor, "clip view height width"],
    labels: Mapping[str, Tensor],
) -> dict[str, Float[Tensor, "clip"]]:
    """Measure points and depth of each clip; `abs_rel` is aligned by one scale per clip, that of the medians."""
    confidence, valid, true = labels["confidence"], labels["valid"], labels["depth"]
    scale = (medians(true, valid) / medians(depth, valid))[:, None, None, None]
    flat = [value.flatten(1, 3) for value in (points, labels["points"], confidence, valid)]
    return {
        "point_error": aligned_point_errors(*flat),
        "depth_error": vmap(depth_error)(depth, true, confidence, valid),
        "abs_rel": vmap(abs_rel)(scale * depth, true, valid),
    }


def medians(
    values: Float[Tensor, "clip view height width"], valid: Bool[Tensor, "clip view height width"]
) -> Float[Tensor, "clip"]:
    """Compute the median of the valid values of each clip."""
    median: Tensor = torch.where(valid, values, torch.nan).flatten(1).nanmedian(-1).values
    return median
