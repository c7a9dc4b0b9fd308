"""Least-squares alignment of predicted geometry to a reference: similarity, scale, scale and shift."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry.rigid import matrix


def align_similarity(
    source: Float[Tensor, "*batch point 3"],
    target: Float[Tensor, "*batch point 3"],
    weights: Float[Tensor, "*batch point"] | None = None,
) -> tuple[Float[Tensor, "*batch 4 4"], Float[Tensor, "*batch"]]:
    """Align point pairs: the similarity `target_T_source` and its scale that minimise sum w |s R p + t - q|^2.

    R is a rotation even where a reflection would fit better. Pairs of weight 0 are ignored, NaN in them too.
    Raises ValueError where fewer than three pairs have a positive weight.
    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991.
    """
    w = _weights(source[..., 0], weights, minimum=3)[..., None]
    p, q = (torch.where(w > 0, x, torch.zeros_like(x)).double() for x in (source, target))
    p_mean, q_mean = ((w * x).sum(-2, keepdim=True) for x in (p, q))
    p, q = p - p_mean, q - q_mean
    u, singular, vh = torch.linalg.svd((w * q).transpose(-1, -2) @ p)
    sign = torch.ones_like(singular)
    sign[..., 2] = torch.where(torch.linalg.det(u @ vh) < 0, -1.0, 1.0)
    rotation = u @ (sign[..., None] * vh)
    spread = (w * p * p).sum((-1, -2)).clamp_min(torch.finfo(p.dtype).tiny)
    scale = (singular * sign).sum(-1) / spread
    linear = scale[..., None, None] * rotation
    translation = q_mean - p_mean @ linear.transpose(-1, -2)
    return matrix(linear, translation[..., 0, :]).to(source), scale.to(source)


def align_scale(
    source: Float[Tensor, "*batch value"],
    target: Float[Tensor, "*batch value"],
    weights: Float[Tensor, "*batch value"] | None = None,
) -> Float[Tensor, "*batch"]:
    """Align values (depths, or coordinates of points) by the scale s that minimises sum w (s a - b)^2.

    Values of weight 0 are ignored, NaN in them too. Raises ValueError where no weight is positive.
    """
    w = _weights(source, weights, minimum=1)
    a, b = (torch.where(w > 0, x, torch.zeros_like(x)).double() for x in (source, target))
    scale = (w * a * b).sum(-1) / (w * a * a).sum(-1).clamp_min(torch.finfo(a.dtype).tiny)
    return scale.to(source)


def align_scale_shift(
    source: Float[Tensor, "*batch value"],
    target: Float[Tensor, "*batch value"],
    weights: Float[Tensor, "*batch value"] | None = None,
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """Align values (depth or inverse depth) by the scale s and shift t that minimise sum w (s a + t - b)^2.

    Values of weight 0 are ignored, NaN in them too. Raises ValueError where fewer than two weights are positive.
    Source: Ranftl et al., MiDaS, arXiv 1907.01341, equation 4.
    """
    w = _weights(source, weights, minimum=2)
    a, b = (torch.where(w > 0, x, torch.zeros_like(x)).double() for x in (source, target))
    a_mean, b_mean = ((w * x).sum(-1, keepdim=True) for x in (a, b))
    a, b = a - a_mean, b - b_mean
    scale = (w * a * b).sum(-1) / (w * a * a).sum(-1).clamp_min(torch.finfo(a.dtype).tiny)
    shift = b_mean[..., 0] - scale * a_mean[..., 0]
    return scale.to(source), shift.to(source)


def _weights(like: Tensor, weights: Tensor | None, minimum: int) -> Tensor:
    """Normalise weights to sum 1 in double precision, and check that enough of them are positive."""
    w = torch.ones_like(like).double() if weights is None else weights.double()
    found = int((w > 0).sum(-1).min()) if w.numel() else 0
    if found < minimum:
        raise ValueError(f"an alignment needs at least {minimum} values of positive weight, got {found}")
    return w / w.sum(-1, keepdim=True)
