"""WAN 2.1 and 2.2 (arXiv 2503.20314): a straight flow on the latents of a causal autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.diffusion.latent_diffusion import FULL, LatentDiffusion, load_part
from probes.extractors.diffusion.text import empty_prompt
from probes.extractors.noise import Noise


class WanExtractor(LatentDiffusion):
    """Text-to-video WAN, read behind `blocks[k]`; a slot encodes the four frames of a latent."""

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 832),
        frames: int | None = 81,
        dtype: torch.dtype = torch.float16,
    ) -> WanExtractor:
        """Load a diffusers checkpoint folder (Wan-AI/Wan2.1-T2V-1.3B-Diffusers and -14B-).

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model.
        """
        transformer = load_part(WanTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLWan, folder, "vae", torch_dtype=torch.float32)
        embeds, _ = empty_prompt(WanPipeline, folder, do_classifier_free_guidance=False)
        return cls(transformer, vae, {"encoder_hidden_states": embeds.to(dtype)}, name, size, frames)

    @property
    def cell(self) -> int:
        """Stride of the autoencoder times patch."""
        return int(self.vae.config.scale_factor_spatial * self.transformer.config.patch_size[1])

    @property
    def stride(self) -> int:
        """Frames that the autoencoder joins into one latent, after the first frame."""
        return int(self.vae.config.scale_factor_temporal)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The blocks of the transformer."""
        return list(self.transformer.blocks)

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Standardise every channel with the statistics of the checkpoint."""
        mean, std = (
            torch.tensor(values).view(1, -1, 1, 1, 1).to(latents)
            for values in (self.vae.config.latents_mean, self.vae.config.latents_std)
        )
        return (latents - mean) / std

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer at timestep 1000 sigma."""
        timestep = torch.full((len(noisy),), FULL * noise.conditioning, device=noisy.device)
        prompt = {name: value.expand(len(noisy), *value.shape[1:]) for name, value in self.prompt.items()}
        self.transformer(noisy, timestep=timestep, **prompt)
