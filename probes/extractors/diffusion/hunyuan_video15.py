"""HunyuanVideo 1.5 (arXiv 2511.18870): a straight flow on latents that span 16 x 16 pixels and 4 frames each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import AutoencoderKLHunyuanVideo15, HunyuanVideo15Pipeline, HunyuanVideo15Transformer3DModel
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from probes.extractors.diffusion.latent_diffusion import FULL, LatentDiffusion, load_part
from probes.extractors.diffusion.text import encoded_prompt
from probes.extractors.noise import Noise

IMAGE_TOKENS = 729  # of the image that text-to-video has none of: zeros, as in the pipeline


class HunyuanVideo15Extractor(LatentDiffusion):
    """Text-to-video HunyuanVideo 1.5, read behind `transformer_blocks[k]` (the tokens of the video).

    The transformer also receives the latents of a first frame and their mask, which text-to-video leaves zero.
    """

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 832),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        prompt: str = "",
    ) -> HunyuanVideo15Extractor:
        """Load a diffusers checkpoint folder (hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_t2v, -720p_t2v).

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model, or an image-to-video one.
        """
        transformer = load_part(HunyuanVideo15Transformer3DModel, folder, "transformer", torch_dtype=dtype)
        if transformer.config.task_type != "t2v":
            raise ValueError(
                f"'{folder}' is a HunyuanVideo 1.5 for {transformer.config.task_type}: give a text-to-video one (t2v)"
            )
        vae = load_part(AutoencoderKLHunyuanVideo15, folder, "vae", torch_dtype=torch.float32)
        embeds, mask, glyphs, glyph_mask = encoded_prompt(TextOfHunyuanVideo15, folder, prompt)
        text = {
            "encoder_hidden_states": embeds.to(dtype),
            "encoder_attention_mask": mask,
            "encoder_hidden_states_2": glyphs.to(dtype),
            "encoder_attention_mask_2": glyph_mask,
        }
        return cls(transformer, vae, text, name, size, frames)

    @property
    def cell(self) -> int:
        """Stride of the autoencoder times patch."""
        return int(self.vae.spatial_compression_ratio * self.transformer.config.patch_size)

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer at timestep 1000 sigma, with no first frame and no image."""
        first_frame, mask = torch.zeros_like(noisy), torch.zeros_like(noisy[:, :1])
        self.transformer(
            torch.cat([noisy, first_frame, mask], 1),
            timestep=noisy.new_full((1,), FULL * noise.conditioning),  # of the type of its weights, as in the pipeline
            image_embeds=noisy.new_zeros(1, IMAGE_TOKENS, self.transformer.config.image_embed_dim),
            **self.prompt,
        )


class TextOfHunyuanVideo15(HunyuanVideo15Pipeline):
    """The two text encoders of a HunyuanVideo 1.5 pipeline alone."""

    _optional_components: list[str] = []  # noqa: RUF012 (of diffusers)

    def __init__(
        self,
        text_encoder: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        text_encoder_2: PreTrainedModel,
        tokenizer_2: PreTrainedTokenizerBase,
    ) -> None:
        with torch.device("meta"):  # whose channels the pipeline asks for, though no prompt depends on them
            vae = AutoencoderKLHunyuanVideo15()
        super().__init__(text_encoder, tokenizer, None, vae, None, text_encoder_2, tokenizer_2, None)
