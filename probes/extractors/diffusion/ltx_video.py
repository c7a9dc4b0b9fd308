"""LTX-Video (arXiv 2501.00103): a straight flow on latents that span 32 x 32 pixels and 8 frames each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLLTXVideo, LTXPipeline, LTXVideoTransformer3DModel
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.diffusion.latent_diffusion import FULL, LatentDiffusion, load_part
from probes.extractors.diffusion.text import empty_prompt
from probes.extractors.extractor import causal_slots
from probes.extractors.noise import Noise


class LTXVideoExtractor(LatentDiffusion):
    """Text-to-video LTX-Video, read behind `transformer_blocks[k]`; a slot has seen eight frames.

    Args:
        transformer: see `LatentDiffusion`.
        vae: see `LatentDiffusion`.
        prompt: see `LatentDiffusion`.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        frame_rate: frames per second; the rotary positions count seconds.
    """

    def __init__(
        self,
        transformer: nn.Module,
        vae: nn.Module,
        prompt: Mapping[str, Tensor],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        frame_rate: float = 25.0,
    ) -> None:
        super().__init__(transformer, vae, prompt, name, size, frames)
        self.frame_rate = frame_rate

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (512, 704),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        frame_rate: float = 25.0,
    ) -> LTXVideoExtractor:
        """Load a diffusers checkpoint folder (Lightricks/LTX-Video).

        Raises:
            FileNotFoundError: a part of it is missing.
            ValueError: it is another model's.
        """
        transformer = load_part(LTXVideoTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLLTXVideo, folder, "vae", torch_dtype=torch.float32)
        embeds, mask, *_ = empty_prompt(LTXPipeline, folder, do_classifier_free_guidance=False)
        prompt = {"encoder_hidden_states": embeds.to(dtype), "encoder_attention_mask": mask}
        return cls(transformer, vae, prompt, name, size, frames, frame_rate)

    @property
    def cell(self) -> int:
        """Autoencoder stride; a token is one latent."""
        return int(self.vae.spatial_compression_ratio)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer's blocks."""
        return list(self.transformer.transformer_blocks)

    def pieces(self, frames: int) -> list[list[int]]:
        """Take the clip whole."""
        self.slots(frames)  # refuse before a forward, not after it
        return [list(range(frames))]

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames as the autoencoder does."""
        return causal_slots(frames, self.vae.temporal_compression_ratio)

    def settings(self) -> Mapping[str, Any]:
        """Name the frame rate."""
        return {"frame_rate": self.frame_rate}

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Standardise every channel with the statistics of the checkpoint."""
        mean, std = (x.view(1, -1, 1, 1, 1) for x in (self.vae.latents_mean, self.vae.latents_std))
        standard: Tensor = (latents - mean) * self.vae.config.scaling_factor / std
        return standard

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer on packed latents, told sigma x 1000."""
        _, _, slots, rows, cols = noisy.shape
        self.transformer(
            rearrange(noisy, "b c s r w -> b (s r w) c"),
            timestep=torch.full((1,), FULL * noise.conditioning, device=noisy.device),
            num_frames=slots,
            height=rows,
            width=cols,
            rope_interpolation_scale=(self.vae.temporal_compression_ratio / self.frame_rate, self.cell, self.cell),
            **self.prompt,
        )

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Lay tokens on the grid: time first, then rows, then columns."""
        sides = {"s": len(self.slots(frames)), "r": self.size[0] // self.cell}
        grid: Tensor = rearrange(output, "b (s r c) d -> b s r c d", **sides)
        return grid
