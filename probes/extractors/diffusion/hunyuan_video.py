"""HunyuanVideo (arXiv 2412.03603): a straight flow, dual-stream blocks and then single-stream ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoPipeline, HunyuanVideoTransformer3DModel
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.diffusion.latent_diffusion import FULL, LatentDiffusion, load_part
from probes.extractors.diffusion.text import empty_prompt
from probes.extractors.extractor import causal_slots
from probes.extractors.noise import Noise


class HunyuanVideoExtractor(LatentDiffusion):
    """Text-to-video HunyuanVideo, read behind its blocks (the tokens of the video).

    Layers count the dual-stream blocks first, then the single-stream ones: of 20 + 40, layer 20 is
    `single_transformer_blocks[0]`.

    Args:
        transformer: see `LatentDiffusion`.
        vae: see `LatentDiffusion`.
        prompt: see `LatentDiffusion`.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        guidance: the scale that a guidance-distilled model is told: 1 asks for none, the pipeline's default is 6.
    """

    def __init__(
        self,
        transformer: nn.Module,
        vae: nn.Module,
        prompt: Mapping[str, Tensor],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        guidance: float = 1.0,
    ) -> None:
        super().__init__(transformer, vae, prompt, name, size, frames)
        self.guidance = guidance
        if self.transformer.config.image_condition_type is not None:
            raise ValueError(f"{name} is an image-to-video checkpoint: give the text-to-video one")

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 832),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        guidance: float = 1.0,
    ) -> HunyuanVideoExtractor:
        """Load a diffusers checkpoint folder (hunyuanvideo-community/HunyuanVideo).

        Raises:
            FileNotFoundError: a part of it is missing.
            ValueError: it is another model's.
        """
        transformer = load_part(HunyuanVideoTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLHunyuanVideo, folder, "vae", torch_dtype=torch.float32)
        embeds, pooled, mask = empty_prompt(HunyuanVideoPipeline, folder)
        prompt = {
            "encoder_hidden_states": embeds.to(dtype),
            "encoder_attention_mask": mask.to(dtype),
            "pooled_projections": pooled.to(dtype),
        }
        return cls(transformer, vae, prompt, name, size, frames, guidance)

    @property
    def cell(self) -> int:
        """Autoencoder stride times patch."""
        return int(self.vae.spatial_compression_ratio * self.transformer.config.patch_size)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The dual-stream blocks, then the single-stream ones."""
        return [*self.transformer.transformer_blocks, *self.transformer.single_transformer_blocks]

    def pieces(self, frames: int) -> list[list[int]]:
        """Take the clip whole."""
        self.slots(frames)  # refuse before a forward, not after it
        return [list(range(frames))]

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames as the autoencoder does."""
        return causal_slots(frames, self.vae.temporal_compression_ratio)

    def settings(self) -> Mapping[str, Any]:
        """Name the guidance scale."""
        return {"guidance": self.guidance}

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Scale by the checkpoint's factor."""
        return latents * float(self.vae.config.scaling_factor)

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer, told sigma x 1000, and where it is distilled the guidance scale x 1000."""
        told = torch.full((1,), FULL * noise.conditioning, device=noisy.device)
        guidance = noisy.new_full((1,), FULL * self.guidance) if self.transformer.config.guidance_embeds else None
        self.transformer(noisy, timestep=told, guidance=guidance, **self.prompt)

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Lay tokens on the grid: time first, then rows, then columns."""
        sides = {"s": len(self.slots(frames)), "r": self.size[0] // self.cell}
        grid: Tensor = rearrange(output, "b (s r c) d -> b s r c d", **sides)
        return grid
