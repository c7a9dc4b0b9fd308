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
from torch import Tensor, nn
from transformers import T5EncoderModel, T5TokenizerFast

from probes.extractors.diffusion.latent_diffusion import LatentDiffusion, load_part
from probes.extractors.diffusion.text import empty_prompt
from probes.extractors.extractor import causal_slots
from probes.extractors.noise import Noise


class CosmosExtractor(LatentDiffusion):
    """Text-to-world Cosmos Predict1, read behind `transformer_blocks[k]`; a slot has seen eight frames.

    EDM trains on x + s n, where x = data_sigma z has the deviation data_sigma, z are latents of variance 1 and n is
    noise. The level that has the signal-to-noise ratio of our sigma is therefore s = data_sigma sigma / (1 - sigma).
    The transformer is given c_in (x + s n) with c_in = 1 / sqrt(s^2 + data_sigma^2), which is

        ((1 - sigma) z + sigma n) / sqrt((1 - sigma)^2 + sigma^2)

    the mix of a variance-preserving process, finite at sigma = 1 too. It is told c_noise = log(s) / 4, with s kept
    within the trained levels.

    Predict2 is another model (a straight flow, the autoencoder of WAN, a mask channel) and is not covered.

    Args:
        transformer: see `LatentDiffusion`.
        vae: see `LatentDiffusion`.
        prompt: see `LatentDiffusion`.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        levels: smallest and largest trained s, and data_sigma.
        frame_rate: frames per second, for the rotary positions.
    """

    kind = "preserving"

    def __init__(
        self,
        transformer: nn.Module,
        vae: nn.Module,
        prompt: Mapping[str, Tensor],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        levels: tuple[float, float, float] = (0.002, 80.0, 0.5),
        frame_rate: float = 30.0,
    ) -> None:
        super().__init__(transformer, vae, prompt, name, size, frames)
        self.levels, self.frame_rate = levels, frame_rate

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (704, 1280),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        frame_rate: float = 30.0,
    ) -> CosmosExtractor:
        """Load a diffusers checkpoint folder (nvidia/Cosmos-1.0-Diffusion-7B-Text2World).

        Raises:
            FileNotFoundError: a part of it is missing.
            ValueError: it is another model's.
        """
        transformer = load_part(CosmosTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLCosmos, folder, "vae", torch_dtype=torch.float32)
        try:
            found = EDMEulerScheduler.from_pretrained(folder, subfolder="scheduler", local_files_only=True).config
        except OSError as error:
            raise FileNotFoundError(f"no scheduler in '{folder}': {error}".splitlines()[0]) from error
        embeds, _ = empty_prompt(TextOfCosmos, folder, do_classifier_free_guidance=False)
        prompt = {"encoder_hidden_states": embeds.to(dtype)}
        levels = (found.sigma_min, found.sigma_max, found.sigma_data)
        return cls(transformer, vae, prompt, name, size, frames, levels, frame_rate)

    @property
    def cell(self) -> int:
        """Autoencoder stride times patch."""
        return int(self.vae.config.spatial_compression_ratio * self.transformer.config.patch_size[1])

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer's blocks."""
        return list(self.transformer.transformer_blocks)

    def pieces(self, frames: int) -> list[list[int]]:
        """Take the clip whole.

        Raises:
            ValueError: the autoencoder has no statistics for so many slots.
        """
        slots, known = len(self.slots(frames)), self.statistics[0].shape[2]
        if 1 < known < slots:
            stride = self.vae.config.temporal_compression_ratio
            raise ValueError(f"{self.name} takes {1 + stride * (known - 1)} frames or fewer, got {frames}")
        return [list(range(frames))]

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames as the autoencoder does."""
        return causal_slots(frames, self.vae.config.temporal_compression_ratio)

    def settings(self) -> Mapping[str, Any]:
        """Name the trained levels and the frame rate."""
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
        """Run the transformer, told log(s) / 4, with nothing of the picture masked."""
        self.transformer(
            noisy,
            timestep=torch.full((1,), math.log(edm_sigma(noise.conditioning, *self.levels)) / 4, device=noisy.device),
            fps=self.frame_rate,
            padding_mask=noisy.new_zeros(1, 1, *self.size),
            **self.prompt,
        )

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Lay tokens on the grid: time first, then rows, then columns."""
        sides = {"s": len(self.slots(frames)), "r": self.size[0] // self.cell}
        grid: Tensor = rearrange(output, "b (s r c) d -> b s r c d", **sides)
        return grid


def edm_sigma(sigma: float, smallest: float, largest: float, data_sigma: float) -> float:
    """Find the level s that has the signal-to-noise ratio of sigma, or is nearest to it of the trained ones."""
    return min(max(data_sigma * sigma / max(1 - sigma, 1e-12), smallest), largest)


class TextOfCosmos(CosmosTextToWorldPipeline):
    """The text encoder of a Cosmos pipeline; the whole pipeline would ask for a package that judges its output."""

    _optional_components: list[str] = []  # noqa: RUF012 (of diffusers)

    def __init__(self, text_encoder: T5EncoderModel, tokenizer: T5TokenizerFast) -> None:
        super(CosmosTextToWorldPipeline, self).__init__()
        self.register_modules(text_encoder=text_encoder, tokenizer=tokenizer)  # type: ignore[attr-defined]
