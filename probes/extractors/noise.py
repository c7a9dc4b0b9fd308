"""The noise level of a diffusion model, on one axis for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

KINDS = ("flow", "preserving")


@dataclass(frozen=True)
class Noise:
    """A noise level given by sigma: up to scale, the input is (1 - sigma) clean + sigma Gaussian noise.

    Equal sigma means equal signal-to-noise ratio, ((1 - sigma) / sigma)^2, whatever schedule a model was trained with;
    an equal timestep index does not. Latents are assumed to have variance 1.
    Source: specs/vidfm3d.md section 5.

    Args:
        sigma: 0 is the clean clip, 1 pure noise.
        conditioning_sigma: noise level that conditions the model, where it differs from sigma (a control: does the
            noise matter, or the conditioning?).
        seed: seed of the noise, which is drawn on the CPU, so that it is the same on every machine.
        samples: number of noise samples over which features are averaged.
    """

    sigma: float
    conditioning_sigma: float | None = None
    seed: int = 0
    samples: int = 1

    def __post_init__(self) -> None:
        for name, value in (("sigma", self.sigma), ("conditioning_sigma", self.conditioning)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name}={value} is not a noise level: give one from 0 (clean) to 1 (pure noise)")
        if self.samples < 1:
            raise ValueError(f"noise_samples={self.samples}: average features over one noise sample or more")

    @property
    def conditioning(self) -> float:
        """The noise level that conditions the model."""
        return self.sigma if self.conditioning_sigma is None else self.conditioning_sigma

    def identity(self) -> dict[str, float | None]:
        """List the facts that enter the key of a store, under the names that stores have used from the start."""
        return {"sigma": self.sigma, "told": self.conditioning_sigma, "seed": self.seed, "draws": self.samples}

    def coefficients(self, kind: str = "flow") -> tuple[float, float]:
        """Compute the factors of (signal, noise): for a straight flow, or for a variance-preserving process.

        Raises:
            ValueError: If the kind is neither "flow" nor "preserving".
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} is unknown: choose one of {', '.join(KINDS)}")
        length = 1.0 if kind == "flow" else math.hypot(1 - self.sigma, self.sigma)
        return (1 - self.sigma) / length, self.sigma / length

    def add(self, clean: Tensor, generators: Sequence[torch.Generator], kind: str = "flow") -> Tensor:
        """Mix the latents of each clip with noise from its own CPU generator."""
        signal_scale, noise_scale = self.coefficients(kind)
        drawn = torch.stack([torch.randn(clean.shape[1:], generator=generator) for generator in generators]).to(clean)
        return signal_scale * clean + noise_scale * drawn


def noise_level(
    sigma: float | None, conditioning_sigma: float | None = None, seed: int = 0, samples: int = 1
) -> Noise | None:
    """Build the noise level of a diffusion model; None without sigma, for other models.

    Raises:
        ValueError: If there is a conditioning level but no sigma, or a level is not from 0 to 1.
    """
    if sigma is None:
        if conditioning_sigma is not None:
            raise ValueError(f"conditioning_sigma={conditioning_sigma} needs sigma, the level of the noise itself")
        return None
    return Noise(sigma, conditioning_sigma, seed, samples)


def preserving_timestep(sigma: float, alphas_cumprod: Float[Tensor, "step"]) -> float:
    """Find the timestep of a variance-preserving schedule with the signal-to-noise ratio of `sigma`.

    Timesteps between two trained steps are interpolated linearly in log SNR; beyond the schedule its ends are returned.
    """
    bar = alphas_cumprod.double().clamp(1e-12, 1 - 1e-12)
    log_snr = bar.log() - (1 - bar).log()  # decreases with the step
    wanted = 2 * (math.log(max(1 - sigma, 1e-12)) - math.log(max(sigma, 1e-12)))
    above = int((log_snr > wanted).sum())
    if above == 0 or above == len(log_snr):
        return float(min(above, len(log_snr) - 1))
    before, after = float(log_snr[above - 1]), float(log_snr[above])
    return above - 1 + (before - wanted) / (before - after)
