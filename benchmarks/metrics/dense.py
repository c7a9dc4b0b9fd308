"""Errors of dense predictions: depth, flow, motion masks, camera rays; each over valid values only."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import cosine_similarity


def abs_rel(
    pred_depth: Float[Tensor, "*batch"], true_depth: Float[Tensor, "*batch"], valid: Bool[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """AbsRel: mean of |pred - true| / true, depths in metres, no alignment; NaN where nothing is valid."""
    relative = torch.where(valid, (pred_depth - true_depth).abs() / true_depth, torch.zeros_like(pred_depth))
    return relative.sum() / valid.sum()


def end_point_error(
    pred_flow: Float[Tensor, "*batch 2 height width"],
    true_flow: Float[Tensor, "*batch 2 height width"],
    valid: Bool[Tensor, "*batch height width"],
) -> Float[Tensor, ""]:
    """EPE: mean length of pred - true, pixels; NaN where nothing is valid."""
    length: Tensor = (pred_flow - true_flow).norm(dim=-3)
    return length[valid].mean()


def mask_iou(
    pred_mask: Bool[Tensor, "*batch"], true_mask: Bool[Tensor, "*batch"], valid: Bool[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Intersection over union of all pixels together; NaN where both masks are empty."""
    pred, true = pred_mask & valid, true_mask & valid
    return (pred & true).sum() / (pred | true).sum()


def ray_angle_deg(
    pred_rays: Float[Tensor, "*batch 6 height width"],
    true_rays: Float[Tensor, "*batch 6 height width"],
    valid: Bool[Tensor, "*batch height width"],
) -> Float[Tensor, ""]:
    """Mean angle between ray directions, degrees (Plücker coordinates, direction first; any length)."""
    cosine = cosine_similarity(pred_rays[..., :3, :, :], true_rays[..., :3, :, :], dim=-3)
    return cosine[valid].clamp(-1, 1).acos().rad2deg().mean()
