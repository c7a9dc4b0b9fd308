"""Errors of point maps and depth against references with a confidence, as in probe studies of video models."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import align_similarity, transform_points

ALIGNMENT_QUANTILE = 0.75  # quantile of the confidence above which points enter the alignment
MAX_ERROR = 100.0  # cap of one pixel's error, before and after it is weighted


def aligned_point_error(
    pred: Float[Tensor, "*shape 3"],
    true: Float[Tensor, "*shape 3"],
    confidence: Float[Tensor, "*shape"],
    mask: Bool[Tensor, "*shape"],
) -> Float[Tensor, ""]:
    """Measure the mean distance of one clip's points to the reference after alignment by a similarity.

    The alignment (Umeyama, unweighted) uses the points of `mask` whose confidence is in the top quarter of all pixels.
    The mean covers all of `mask`, weighted by confidence, in units of `true`. Despite the published name
    ("pmap_mse_aligned"), it is not squared.
    Source: specs/vidfm3d.md section 4.

    Raises:
        ValueError: fewer than three points enter the alignment.
    """
    p, q = pred.reshape(1, -1, 3), true.reshape(1, -1, 3)
    return aligned_point_errors(p, q, confidence.reshape(1, -1), mask.reshape(1, -1))[0]


def aligned_point_errors(
    pred: Float[Tensor, "clip point 3"],
    true: Float[Tensor, "clip point 3"],
    confidence: Float[Tensor, "clip point"],
    mask: Bool[Tensor, "clip point"],
) -> Float[Tensor, "clip"]:
    """Measure several clips, each aligned on its own; see `aligned_point_error`.

    Raises:
        ValueError: fewer than three points of a clip enter the alignment.
    """
    weight = confidence.double()
    aligned = mask & (weight >= torch.quantile(weight, ALIGNMENT_QUANTILE, dim=1, keepdim=True))
    p, q = pred.double(), true.double()
    true_T_pred, _ = align_similarity(p, q, aligned.double())
    weight = torch.where(mask, weight, torch.zeros_like(weight))
    distance = (transform_points(p, true_T_pred[:, None]) - q).norm(dim=-1)
    total = torch.where(weight > 0, weight * distance, torch.zeros_like(distance)).sum(-1)
    return (total / (weight.sum(-1) + 1e-6)).to(pred)


def depth_error(
    pred: Float[Tensor, "*shape"],
    true: Float[Tensor, "*shape"],
    confidence: Float[Tensor, "*shape"],
    mask: Bool[Tensor, "*shape"],
) -> Float[Tensor, ""]:
    """Measure the mean of confidence x |pred - true| over `mask`, each capped at 100, without alignment.

    Source: specs/vidfm3d.md sections 3.1 and 4 ("Depth Err"; in units of confidence x depth).
    """
    return weighted_mean((pred - true).abs(), confidence, mask)


def weighted_mean(
    error: Float[Tensor, "*shape"], confidence: Float[Tensor, "*shape"], mask: Bool[Tensor, "*shape"] | None = None
) -> Float[Tensor, ""]:
    """Average confidence x error over the mask, each capped at 100; NaN counts as 0 and stays in the mean.

    Source: specs/vidfm3d.md section 3.1.
    """
    weighted = (confidence * error.clamp_max(MAX_ERROR)).clamp_max(MAX_ERROR).nan_to_num(0.0)
    return weighted.mean() if mask is None else (weighted * mask).sum() / mask.sum()
