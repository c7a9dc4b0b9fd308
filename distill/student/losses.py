"""The two losses of perceptual 4D distillation, and the published weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import smooth_l1_loss


@dataclass(frozen=True)
class Weights:
    """Effective weight of every term, each a smooth-L1 mean: L = L_SFT + latent L_LD + sum_m signals[m] L_m.

    Source: 4D-RGPT (arXiv 2512.17012) equations 4, 6, 7, A8; specs/rgpt4d.md 2.5.
    """

    latent: float
    signals: Mapping[str, float]

    def times(self, loss_scale: int | float) -> Weights:
        """Multiply all weights."""
        return Weights(loss_scale * self.latent, {name: loss_scale * weight for name, weight in self.signals.items()})


PRESETS = {
    # alpha = .5, beta = .1, lambda = 1, .1, .05, .05
    "paper": Weights(0.5, {"depth": 0.1, "flow": 0.01, "motion": 0.005, "rays": 0.005}),
    # sft.sh of the released code
    "released": Weights(0.01, {"depth": 0.1, "flow": 0.001, "motion": 0.01, "rays": 0.00001}),
}


def latent_loss(
    student: Float[Tensor, "batch hook slot rows cols channel"],
    teacher: Float[Tensor, "batch hook slot rows cols channel"],
) -> Float[Tensor, ""]:
    """Compare latents of all hooks jointly: smooth L1, mean, beta = 1, no feature normalisation (equation 6)."""
    return smooth_l1_loss(student.float(), teacher.float())


def explicit_losses(
    student: Mapping[str, Float[Tensor, "batch time _ _ _"]],
    teacher: Mapping[str, Float[Tensor, "batch time _ _ _"]],
    valid: Mapping[str, Bool[Tensor, "batch time 1 _ _"]] | None = None,
) -> dict[str, Float[Tensor, ""]]:
    """Compare raw signals: smooth L1, mean over all values, or over the valid ones where `valid` is given (equation 7).

    Raises ValueError where the teacher gives a signal that the student lacks.
    """
    if missing := [name for name in teacher if name not in student]:
        raise ValueError(f"the student predicts no {', '.join(missing)}, which the teacher gives")
    losses = {}
    for name, target in teacher.items():
        each = smooth_l1_loss(student[name].float(), target.float(), reduction="none")
        if valid is None:
            losses[name] = each.mean()
        else:
            known = valid[name].expand_as(each)
            # where() before the product: an invalid target may be infinite
            losses[name] = torch.where(known, each, 0.0).sum() / known.sum().clamp_min(1)
    return losses
