"""Sampling from noise to latents: Euler steps along the flow, with guidance, or a few learned jumps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.lifting.networks.conditioning import Condition
from models.lifting.networks.flow_transformer import Latents

# (latents, time, step, context) -> velocities; a FlowTransformer is one
VelocityModel = Callable[[Latents, Tensor, Tensor, Tensor], dict[str, Tensor]]


@dataclass(frozen=True)
class Guidance:
    """Classifier-free guidance: how far to steer away from the unconditional prediction.

    v = v_c + w (v_c - v_u), which is (1 + w) v_c - w v_u: weight 0 is the plain model. Where `point_weight` is given,
    v = v_c + w_pm (v_c - v_nopm) + w (v_nopm - v_u), with the point map dropped in v_nopm. Both hold while the time is
    in `interval`. Source: specs/sam3d.md 2.6; weight 7 on [0, 0.5] as released.

    Args:
        weight: w.
        point_weight: w_pm, or None for plain classifier-free guidance.
        interval: first and last time of guidance.
        modalities: latents that are guided; None for all.
    """

    weight: int | float = 7.0
    point_weight: int | float | None = None
    interval: Sequence[int | float] = (0.0, 0.5)
    modalities: Sequence[str] | None = None

    @property
    def is_off(self) -> bool:
        """Whether it has no effect."""
        return self.weight == 0 and self.point_weight is None


PLAIN = Guidance(weight=0.0)


def guided_velocity(
    model: VelocityModel,
    latents: Latents,
    time: Float[Tensor, "object"],
    step: Float[Tensor, "object"],
    condition: Condition,
    guidance: Guidance = PLAIN,
    objects: Bool[Tensor, "object"] | None = None,
) -> dict[str, Tensor]:
    """Predict velocities under guidance; only `objects` (all by default) are guided, and only inside the interval."""
    first, last = guidance.interval
    guided = (time >= first) & (time <= last)
    guided = guided if objects is None else guided & objects
    if guidance.is_off or not bool(guided.any()):
        return model(latents, time, step, condition.tokens)
    contexts = [condition.tokens, condition.without().tokens]
    if guidance.point_weight is not None:
        contexts.append(condition.without_points().tokens)
    times = len(contexts)  # one call: the copies are a larger batch
    repeated = {key: value.repeat(times, 1, 1) for key, value in latents.items()}
    velocities = model(repeated, time.repeat(times), step.repeat(times), torch.cat(contexts))
    result = {}
    for key, value in velocities.items():
        with_all, without, *no_points = value.chunk(times)
        if guidance.modalities is not None and key not in guidance.modalities:
            result[key] = with_all
            continue
        if guidance.point_weight is None:
            push = guidance.weight * (with_all - without)
        else:
            push = guidance.point_weight * (with_all - no_points[0]) + guidance.weight * (no_points[0] - without)
        result[key] = torch.where(guided[:, None, None], with_all + push, with_all)
    return result


@torch.no_grad()
def expected_latents(model: VelocityModel, latents: Latents, time: float, condition: Condition) -> dict[str, Tensor]:
    """Predict the end of the flow from its state at a time: x + (1 - t) v, without guidance."""
    times = condition.tokens.new_full((len(condition),), time)
    velocity = model(latents, times, torch.zeros_like(times), condition.tokens)
    return {key: value + (1 - time) * velocity[key] for key, value in latents.items()}


def euler_times(steps: int, warp: int | float = 1.0) -> Float[Tensor, "time"]:
    """List the times of Euler steps from 0 to 1, warped by t / (1 + (warp - 1) (1 - t)).

    A warp above 1 makes steps smaller near the noise. Source: specs/sam3d.md 2.6 (rescale_t 3 as released).
    """
    if steps < 1:
        raise ValueError(f"a sampler needs at least one step, got {steps}")
    t = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    return (t / (1 + (warp - 1) * (1 - t))).float()


@torch.no_grad()
def sample(
    model: VelocityModel,
    noise: Latents,
    condition: Condition,
    *,
    steps: int = 25,
    warp: int | float = 3.0,
    guidance: Guidance = PLAIN,
    shortcut: bool = False,
) -> dict[str, Tensor]:
    """Follow the flow from noise to latents, for all objects of a batch.

    Args:
        model: predicts velocities.
        noise: latents at time 0; the same noise gives the same result, alone or in a batch.
        condition: of each object.
        steps: Euler steps; each is one call of the model (two or three times the batch where guided).
        warp: of the times, see `euler_times`.
        guidance: away from the unconditional velocity.
        shortcut: take equal jumps, whose size a distilled model is given; without warp and guidance.
    """
    times = euler_times(steps, 1.0 if shortcut else warp)
    latents = dict(noise)
    like = condition.tokens
    for start, end in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        time = like.new_full((len(like),), start)
        step = torch.full_like(time, end - start if shortcut else 0.0)
        velocity = guided_velocity(model, latents, time, step, condition, PLAIN if shortcut else guidance)
        latents = {key: value + (end - start) * velocity[key] for key, value in latents.items()}
    return latents
