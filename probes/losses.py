"""The three losses of the probe as in the published code, weighted by the confidence of the labels.

There is no -log c term and no square: the confidence belongs to the labels and is not predicted. Non-finite errors
count as 0 and stay in the mean. Source: specs/vidfm3d.md section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmarks.metrics.points import MAX_ERROR, weighted_mean

DISCOUNT = 0.6  # weight of an iteration of the camera head relative to the next one
FOV_WEIGHT = 0.5  # relative to translation and rotation


def depth_loss(
    pred: Float[Tensor, "batch view height width"],
    true: Float[Tensor, "batch view height width"],
    confidence: Float[Tensor, "batch view height width"],
    mask: Bool[Tensor, "batch view height width"] | None = None,
) -> Float[Tensor, ""]:
    """Compare depths: mean of confidence x |pred - true|; neither side is normalised."""
    return weighted_mean((pred - true).abs(), confidence, mask)


def point_loss(
    pred: Float[Tensor, "batch view height width 3"],
    true: Float[Tensor, "batch view height width 3"],
    confidence: Float[Tensor, "batch view height width"],
    mask: Bool[Tensor, "batch view height width"] | None = None,
) -> Float[Tensor, ""]:
    """Compare point maps: mean of confidence x distance, each side divided by its clip's mean distance from the origin.

    The origin is the first camera; the distance is the length of the difference, not its square.
    """
    return weighted_mean((normalised(pred, mask) - normalised(true, mask)).norm(dim=-1), confidence, mask)


def camera_loss(
    preds: Sequence[Float[Tensor, "batch view 9"]], true: Float[Tensor, "batch view 9"]
) -> Float[Tensor, ""]:
    """Compare pose encodings of all iterations of the camera head: L_T + L_R + 0.5 L_FoV.

    Each is the mean over iterations of 0.6^(last - iteration) times the mean Huber loss (delta = 1) of its entries.
    Quaternions are compared as predicted: neither their sign nor their length is corrected.
    """
    total = true.new_zeros(())
    for iteration, pred in enumerate(preds, 1):
        error = (pred - true).abs()
        huber = torch.where(error < 1, 0.5 * error.square(), error - 0.5).nan_to_num(0.0, 0.0, 0.0).clamp_max(MAX_ERROR)
        translation, rotation, fov = huber[..., :3].mean(), huber[..., 3:7].mean(), huber[..., 7:].mean()
        total = total + DISCOUNT ** (len(preds) - iteration) * (translation + rotation + FOV_WEIGHT * fov)
    return total / len(preds)


def normalised(
    points: Float[Tensor, "batch view height width 3"], mask: Bool[Tensor, "batch view height width"] | None
) -> Float[Tensor, "batch view height width 3"]:
    """Divide the points of each clip by their mean distance from the origin, clamped to 0.001 to 1000."""
    distance = points.norm(dim=-1)
    weight = torch.ones_like(distance) if mask is None else mask.to(distance)
    mean = (distance * weight).sum((1, 2, 3)) / (weight.sum((1, 2, 3)) + 1e-3)
    scaled: Tensor = points / mean.clamp(1e-3, 1e3)[:, None, None, None, None]
    return scaled
