"""HunyuanVideo (arXiv 2412.03603): a straight flow, dual-stream blocks and then single-stream ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoPipeline, HunyuanVideoTransformer3DModel
from torch import Tensor

from probes.extractors.diffusion.latent_diffusion import FULL, LatentDiffusion, load_part
from probes.extractors.diffusion.text import encoded_prompt
from probes.extractors.noise import Noise


class HunyuanVideoExtractor(LatentDiffusion):
    """Text-to-video HunyuanVideo, read behind its blocks (the tokens of the video).

    Layers count the dual-stream blocks first, then the single-stream ones: of 20 + 40, layer 20 is
    `single_transformer_blocks[0]`.

    Args:
        parts: the arguments of `LatentDiffusion`.
        guidance: the scale given to a guidance-distilled model: 1 means none, the pipeline's default is 6.
    """

    def __init__(self, *parts: Any, guidance: float = 1.0) -> None:
        super().__init__(*parts)
        self.guidance = guidance
        if self.transformer.config.image_condition_type is not None:
            raise ValueError(f"{self.name} is an image-to-video checkpoint: give the text-to-video one")

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 832),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        prompt: str = "",
        guidance: float = 1.0,
    ) -> HunyuanVideoExtractor:
        """Load a diffusers checkpoint folder (hunyuanvideo-community/HunyuanVideo).

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model.
        """
        transformer = load_part(HunyuanVideoTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLHunyuanVideo, folder, "vae", torch_dtype=torch.float32)
        embeds, pooled, mask = encoded_prompt(HunyuanVideoPipeline, folder, prompt)
        text = {
            "encoder_hidden_states": embeds.to(dtype),
            "encoder_attention_mask": mask.to(dtype),
            "pooled_projections": pooled.to(dtype),
        }
        return cls(transformer, vae, text, name, size, frames, guidance=guidance)

    @property
    def cell(self) -> int:
        """Stride of the autoencoder times patch."""
        return int(self.vae.spatial_compression_ratio * self.transformer.config.patch_size)

    def settings(self) -> Mapping[str, Any]:
        """List the guidance scale."""
        return {"guidance": self.guidance}

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer at timestep 1000 sigma; a distilled one also gets 1000 times the guidance scale."""
        timestep = torch.full((1,), FULL * noise.conditioning, device=noisy.device)
        guidance = noisy.new_full((1,), FULL * self.guidance) if self.transformer.config.guidance_embeds else None
        self.transformer(noisy, timestep=timestep, guidance=guidance, **self.prompt)
