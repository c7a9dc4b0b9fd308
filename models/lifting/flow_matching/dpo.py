"""Preference alignment of a flow: prefer winners to losers without leaving the model that made both (DPO)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from models.lifting.flow_matching.paths import interpolate_all, velocities
from models.lifting.flow_matching.sampler import VelocityModel
from models.lifting.networks.conditioning import Condition
from models.lifting.networks.flow_transformer import Latents


@dataclass(frozen=True)
class Preference:
    """The loss, and statistics to watch with it: the loss also falls if only the losers become worse."""

    loss: Float[Tensor, ""]
    accuracy: Float[Tensor, ""]  # share of pairs where the model prefers the winner more than the reference does
    winner_error: Float[Tensor, ""]
    loser_error: Float[Tensor, ""]


def preference_loss(
    model: VelocityModel,
    reference: VelocityModel,
    winner: Latents,
    loser: Latents,
    noise: Latents,
    time: Float[Tensor, "object"],
    condition: Condition,
    beta: int | float,
) -> Preference:
    """Measure the DPO loss of flow matching on the shape of winner and loser, at the same time and with shared noise.

    `reference` is the frozen model that the training started from. Layout latents ride along as inputs; no loss is on
    them, and the shape does not read them.
    Source: specs/sam3d.md 3 (Diffusion-DPO, arXiv 2311.12908, adapted); beta x T x w(tau) is one number here, since
    neither is published.
    """
    errors = []
    for network in (model, reference):
        for data in (winner, loser):
            latents = interpolate_all(noise, data, time)
            with torch.set_grad_enabled(network is model and torch.is_grad_enabled()):
                predicted = network(latents, time, torch.zeros_like(time), condition.tokens)["shape"]
            errors.append((predicted - velocities(noise, data)["shape"]).square().mean((1, 2)))
    win, lose, reference_win, reference_lose = errors
    loss, accuracy = dpo_loss(win, lose, reference_win, reference_lose, beta)
    return Preference(loss, accuracy, win.mean().detach(), lose.mean().detach())


def dpo_loss(
    winner: Float[Tensor, "pair"],
    loser: Float[Tensor, "pair"],
    reference_winner: Float[Tensor, "pair"],
    reference_loser: Float[Tensor, "pair"],
    beta: int | float,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Measure -log sigmoid(-beta Delta) of squared errors, Delta = (w - w_ref) - (l - l_ref); mean over pairs.

    Equal to log 2 where model and reference agree. Returns the loss and the share of pairs with Delta < 0.
    """
    delta = (winner - reference_winner) - (loser - reference_loser)
    return -F.logsigmoid(-beta * delta).mean(), (delta < 0).float().mean()
