"""How much noise a diffusion model is shown, on one axis for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

PARTS = ("flow", "preserving")


@dataclass(frozen=True)
class Noise:
    """A noise level by its sigma: up to scale, a model sees (1 - sigma) clean + sigma Gaussian noise.

    Equal sigma is equal signal-to-noise ratio, ((1 - sigma) / sigma)^2, whatever schedule a model was trained with; a
    bare timestep index is not. Latents are taken to have variance 1.
    Source: specs/vidfm3d.md section 5.

    Args:
        sigma: 0 is the clean clip, 1 noise alone.
        told: the sigma that the model is told instead (a control: is it the noise, or the conditioning?).
        seed: of the noise, which is drawn on the CPU, so that every machine sees the same.
        draws: features are averaged over so many draws.
    """

    sigma: float
    told: float | None = None
    seed: int = 0
    draws: int = 1

    def __post_init__(self) -> None:
        for name, value in (("sigma", self.sigma), ("told", self.conditioning)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is a noise level from 0 (clean) to 1 (noise alone), got {value}")
        if self.draws < 1:
            raise ValueError(f"features are averaged over one draw of noise or more, got draws={self.draws}")

    @property
    def conditioning(self) -> float:
        """What the model is told."""
        return self.sigma if self.told is None else self.told

    def coefficients(self, kind: str = "flow") -> tuple[float, float]:
        """Give the factors of (signal, noise): of a straight flow, or of a variance-preserving process.

        Raises:
            ValueError: the kind is neither "flow" nor "preserving".
        """
        if kind not in PARTS:
            raise ValueError(f"kind={kind!r} is unknown: choose one of {', '.join(PARTS)}")
        length = 1.0 if kind == "flow" else math.hypot(1 - self.sigma, self.sigma)
        return (1 - self.sigma) / length, self.sigma / length

    def add(self, clean: Tensor, generators: Sequence[torch.Generator], kind: str = "flow") -> Tensor:
        """Mix latents of clips with noise, drawn for each from a generator of the CPU of its own."""
        signal, share = self.coefficients(kind)
        drawn = torch.stack([torch.randn(clean.shape[1:], generator=one) for one in generators]).to(clean)
        return signal * clean + share * drawn


def noise_level(sigma: float | None, told: float | None, seed: int, draws: int) -> Noise | None:
    """Make the noise level of a model; None for one that takes none.

    Raises:
        ValueError: the model is told a level without being given one, or a level is not from 0 to 1.
    """
    if sigma is None:
        if told is not None:
            raise ValueError(f"told={told} needs sigma, the noise that is really there")
        return None
    return Noise(sigma, told, seed, draws)


def preserving_timestep(sigma: float, alphas_cumprod: Float[Tensor, "step"]) -> float:
    """Find the timestep of a variance-preserving schedule with the signal-to-noise ratio of `sigma`.

    It lies between two trained steps, linear in log SNR; beyond the ends of the schedule it is the end.
    """
    bar = alphas_cumprod.double().clamp(1e-12, 1 - 1e-12)
    log_snr = bar.log() - (1 - bar).log()  # falls from step to step
    wanted = 2 * (math.log(max(1 - sigma, 1e-12)) - math.log(max(sigma, 1e-12)))
    above = int((log_snr > wanted).sum())
    if above == 0 or above == len(log_snr):
        return float(min(above, len(log_snr) - 1))
    before, after = float(log_snr[above - 1]), float(log_snr[above])
    return above - 1 + (before - wanted) / (before - after)
