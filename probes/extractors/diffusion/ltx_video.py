"""LTX-Video (arXiv 2501.00103): a straight flow on latents that span 32 x 32 pixels and 8 frames each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLLTXVideo, LTXPipeline, LTXVideoTransformer3DModel
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from probes.extractors.diffusion.latent_diffusion import FULL, LatentDiffusion, load_part
from probes.extractors.diffusion.text import encoded_prompt
from probes.extractors.noise import Noise


class LTXVideoExtractor(LatentDiffusion):
    """Text-to-video LTX-Video, read behind `transformer_blocks[k]`; a slot encodes eight frames.

    Args:
        parts: the arguments of `LatentDiffusion`.
        frame_rate: frames per second; the rotary positions count seconds.
    """

    def __init__(self, *parts: Any, frame_rate: float = 25.0) -> None:
        super().__init__(*parts)
        self.frame_rate = frame_rate

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (512, 704),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        prompt: str = "",
        frame_rate: float = 25.0,
    ) -> LTXVideoExtractor:
        """Load a diffusers checkpoint folder (Lightricks/LTX-Video).

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model.
        """
        transformer = load_part(LTXVideoTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLLTXVideo, folder, "vae", torch_dtype=torch.float32)
        embeds, mask, *_ = encoded_prompt(LTXPipeline, folder, prompt, do_classifier_free_guidance=False)
        text = {"encoder_hidden_states": embeds.to(dtype), "encoder_attention_mask": mask}
        return cls(transformer, vae, text, name, size, frames, frame_rate=frame_rate)

    @property
    def cell(self) -> int:
        """Stride of the autoencoder; a token is one latent."""
        return int(self.vae.spatial_compression_ratio)

    @property
    def stride(self) -> int:
        """Frames that the autoencoder joins into one latent, after the first frame."""
        return int(self.vae.temporal_compression_ratio)

    def settings(self) -> Mapping[str, Any]:
        """List the frame rate."""
        return {"frame_rate": self.frame_rate}

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Standardise every channel with the statistics of the checkpoint."""
        mean, std = (x.view(1, -1, 1, 1, 1) for x in (self.vae.latents_mean, self.vae.latents_std))
        standard: Tensor = (latents - mean) * self.vae.config.scaling_factor / std
        return standard

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer on packed latents at timestep 1000 sigma."""
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
