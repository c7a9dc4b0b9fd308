"""Self-consistency: train the flow to jump, so that four calls replace twenty-five."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from models.lifting.flow_matching.sampler import PLAIN, Guidance, VelocityModel, guided_velocity
from models.lifting.networks.conditioning import Condition
from models.lifting.networks.flow_transformer import Latents

LEVELS = 7  # the smallest half jump is 2^-7; the model predicts it as the instantaneous velocity


def draw_jumps(
    count: int, *, generator: torch.Generator, device: torch.device | str = "cpu"
) -> tuple[Float[Tensor, "object"], Float[Tensor, "object"]]:
    """Draw the start of a jump and the size of each of its two halves.

    The half d is one of 2^-1 to 2^-LEVELS, and the start a multiple of the jump 2d, so that it ends at 1 or before:
    the jumps that a sampler of 1, 2, 4, ... steps makes.
    """
    level = torch.randint(0, LEVELS, (count,), generator=generator, device=generator.device)
    start = (torch.rand(count, generator=generator, device=generator.device) * 2**level).floor() / 2**level
    return start.to(device), (0.5 ** (level + 1)).to(device)


@torch.no_grad()
def shortcut_target(
    model: VelocityModel,
    latents: Latents,
    time: Float[Tensor, "object"],
    half: Float[Tensor, "object"],
    condition: Condition,
    guidance: Guidance = PLAIN,
) -> dict[str, Tensor]:
    """Average the velocities of two consecutive jumps of size `half`: what one jump of twice the size should predict.

    It is the target of the model at step 2 `half`. Guidance is distilled into the smallest half jump, whose velocity is
    the instantaneous one of flow matching; larger jumps inherit it. The published choice guides the shape alone:
    `Guidance(modalities=("shape",))`.
    Source: Shortcut Models (arXiv 2410.12557) equation 4; specs/sam3d.md 2.6. Its step set is ambiguous about the
    smallest jump; this choice is that of Shortcut Models.
    """
    smallest = half <= 0.5**LEVELS
    step = torch.where(smallest, torch.zeros_like(half), half)
    first = guided_velocity(model, latents, time, step, condition, guidance, smallest)
    between = {key: value + half[:, None, None] * first[key] for key, value in latents.items()}
    second = guided_velocity(model, between, time + half, step, condition, guidance, smallest)
    return {key: (value + second[key]) / 2 for key, value in first.items()}
