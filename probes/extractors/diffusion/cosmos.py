"""Cosmos Predict1 (arXiv 2501.03575): diffusion with the preconditioning of EDM (arXiv 2206.00364)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLCosmos, CosmosTextToWorldPipeline, CosmosTransformer3DModel, EDMEulerScheduler
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from transformers import T5EncoderModel, T5TokenizerFast

from probes.extractors.diffusion.latent_diffusion import LatentDiffusion, load_part
from probes.extractors.diffusion.text import encoded_prompt
from probes.extractors.noise import Noise


class CosmosExtractor(LatentDiffusion):
    """Text-to-world Cosmos Predict1, read behind `transformer_blocks[k]`; a slot encodes eight frames.

    EDM trains on x + s n, where x = data_sigma z has the deviation data_sigma, z are latents of variance 1 and n is
    noise. The level that has the signal-to-noise ratio of our sigma is therefore s = data_sigma sigma / (1 - sigma).
    The transformer is given c_in (x + s n) with c_in = 1 / sqrt(s^2 + data_sigma^2), which is

        ((1 - sigma) z + sigma n) / sqrt((1 - sigma)^2 + sigma^2)

    the mix of a variance-preserving process, finite at sigma = 1 too. Its time embedding is c_noise = log(s) / 4, with
    s clamped to the trained levels.

    Predict2 is another model (a straight flow, the autoencoder of WAN, a mask channel) and is not covered.

    Args:
        parts: the arguments of `LatentDiffusion`.
        levels: smallest and largest trained s, and data_sigma.
        frame_rate: frames per second, for the rotary positions.
    """

    kind = "preserving"

    def __init__(
        self, *parts: Any, levels: tuple[float, float, float] = (0.002, 80.0, 0.5), frame_rate: float = 30.0
    ) -> None:
        super().__init__(*parts)
        self.levels, self.frame_rate = levels, frame_rate

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (704, 1280),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        prompt: str = "",
        frame_rate: float = 30.0,
    ) -> CosmosExtractor:
        """Load a diffusers checkpoint folder (nvidia/Cosmos-1.0-Diffusion-7B-Text2World).

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model.
        """
        transformer = load_part(CosmosTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLCosmos, folder, "vae", torch_dtype=torch.float32)
        try:
            schedule = EDMEulerScheduler.from_pretrained(folder, subfolder="scheduler", local_files_only=True).config
        except OSError as error:
            raise FileNotFoundError(f"no scheduler in '{folder}': {error}".splitlines()[0]) from error
        embeds, *_ = encoded_prompt(TextOfCosmos, folder, prompt, do_classifier_free_guidance=False)
        text = {"encoder_hidden_states": embeds.to(dtype)}
        levels = (schedule.sigma_min, schedule.sigma_max, schedule.sigma_data)
        return cls(transformer, vae, text, name, size, frames, levels=levels, frame_rate=frame_rate)

    @property
    def cell(self) -> int:
        """Stride of the autoencoder times patch."""
        return int(self.vae.config.spatial_compression_ratio * self.transformer.config.patch_size[1])

    def windows(self, frames: int) -> list[list[int]]:
        """Run the whole clip in one forward.

        Raises:
            ValueError: If the clip has more slots than the autoencoder has statistics for.
        """
        slots, known = len(self.slots(frames)), self.statistics[0].shape[2]
        if 1 < known < slots:
            raise ValueError(f"{self.name} takes {1 + self.stride * (known - 1)} frames or fewer, got {frames}")
        return super().windows(frames)

    def settings(self) -> Mapping[str, Any]:
        """List the trained levels and the frame rate."""
        return {"levels": self.levels, "frame_rate": self.frame_rate}

    @property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of latents, for every channel and slot."""
        config = self.vae.config
        if config.latents_mean is None:
            return torch.zeros(1, 1, 1, 1, 1), torch.ones(1, 1, 1, 1, 1)
        mean, std = (
            rearrange(torch.tensor(values), "(c s) -> 1 c s 1 1", c=config.latent_channels)
            for values in (config.latents_mean, config.latents_std)
        )
        return mean, std

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Standardise every channel and slot with the statistics of the checkpoint."""
        mean, std = (x[:, :, : latents.shape[2]].to(latents) for x in self.statistics)
        return (latents - mean) / std

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer at c_noise = log(s) / 4, with no padding masked."""
        self.transformer(
            noisy,
            timestep=torch.full((1,), math.log(edm_sigma(noise.conditioning, *self.levels)) / 4, device=noisy.device),
            fps=self.frame_rate,
            padding_mask=noisy.new_zeros(1, 1, *self.size),
            **self.prompt,
        )


def edm_sigma(sigma: float, smallest: float, largest: float, data_sigma: float) -> float:
    """Convert sigma to the EDM level s of the same signal-to-noise ratio, clamped to the trained levels."""
    return min(max(data_sigma * sigma / max(1 - sigma, 1e-12), smallest), largest)


class TextOfCosmos(CosmosTextToWorldPipeline):
    """The text encoder of a Cosmos pipeline alone; the whole pipeline requires a guardrail package."""

    _optional_components: list[str] = []  # noqa: RUF012 (of diffusers)

    def __init__(self, text_encoder: T5EncoderModel, tokenizer: T5TokenizerFast) -> None:
        super(CosmosTextToWorldPipeline, self).__init__()
        self.register_modules(text_encoder=text_encoder, tokenizer=tokenizer)  # type: ignore[attr-defined]
