"""Rectified flow: straight paths from noise (time 0) to data (time 1), and the loss of a network that predicts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from models.lifting.networks.flow_transformer import Latents

# lambda of each modality; specs/sam3d.md 3. Isolated objects train shape and rotation alone (the others 0)
WEIGHTS: Mapping[str, float] = {"shape": 1.0, "rotation": 0.1, "translation": 1.0, "scale": 0.1}


def interpolate(
    noise: Float[Tensor, "item *rest"], data: Float[Tensor, "item *rest"], time: Float[Tensor, "item"]
) -> Float[Tensor, "item *rest"]:
    """Mix noise and data: x_t = (1 - t) x_0 + t x_1, one time an item."""
    t = time.reshape(-1, *(1 for _ in data.shape[1:]))
    return (1 - t) * noise + t * data


def interpolate_all(noise: Latents, data: Latents, time: Float[Tensor, "object"]) -> dict[str, Tensor]:
    """Mix each latent of an object at its one time."""
    return {key: interpolate(noise[key], value, time) for key, value in data.items()}


def velocities(noise: Latents, data: Latents) -> dict[str, Tensor]:
    """Compute the target of each latent, v = x_1 - x_0."""
    return {key: value - noise[key] for key, value in data.items()}


def logit_normal_times(
    count: int,
    means: Sequence[int | float] = (-1.0,),
    *,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "count"]:
    """Draw times sigmoid(n), n ~ Normal(mean, 1), with each of the means equally often.

    The released model has the one mean -1 (more noise), its code's default is 0. A latent of D numbers reveals
    the shape from about t = 4 / sqrt(D) on, without any condition, and a pose of few numbers much later; a mixture of
    means trains both.
    """
    normal = torch.randn(count, generator=generator, device=generator.device)
    which = torch.randint(len(means), (count,), generator=generator, device=generator.device)
    return (normal + normal.new_tensor(means)[which]).sigmoid().to(device)


def draw_noise(
    token_shapes: Mapping[str, tuple[int, int]],
    count: int,
    *,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> dict[str, Float[Tensor, "object _ _"]]:
    """Draw unit normal latents for `count` objects, each (token, channel) as given."""
    return {
        key: torch.randn(count, *shape, generator=generator, device=generator.device).to(device)
        for key, shape in token_shapes.items()
    }


def flow_loss(
    predicted: Latents, target: Latents, weights: Mapping[str, float] = WEIGHTS
) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
    """Sum lambda_m x mean |v_m - target_m|^2 over the modalities of `weights`: a mean per modality, so per element.

    Returns:
        The loss, and each modality's part before weighting.
    """
    parts = {key: F.mse_loss(predicted[key], target[key]) for key in weights}
    return torch.stack([weight * parts[key] for key, weight in weights.items()]).sum(), parts
