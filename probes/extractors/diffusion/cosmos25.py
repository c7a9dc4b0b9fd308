"""Cosmos Predict2.5 (arXiv 2511.00062): a straight flow on the latents of WAN's autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, Cosmos2_5_PredictBasePipeline, CosmosTransformer3DModel
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from probes.extractors.diffusion.latent_diffusion import load_part
from probes.extractors.diffusion.text import encoded_prompt
from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.noise import Noise


class Cosmos25Extractor(WanExtractor):
    """Text-to-world Cosmos Predict2.5, read behind `transformer_blocks[k]`; a slot encodes the four frames of a latent.

    The model can be shown frames through a mask; here it is shown none. Its timestep is sigma itself, one a slot.
    """

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (704, 1280),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        prompt: str = "",
    ) -> Cosmos25Extractor:
        """Load a diffusers checkpoint folder (nvidia/Cosmos-Predict2.5-2B, revision diffusers/base/post-trained; -14B).

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model.
        """
        transformer = load_part(CosmosTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLWan, folder, "vae", torch_dtype=torch.float32)
        if transformer.config.in_channels != vae.config.z_dim + 1:
            raise ValueError(
                f"the transformer of '{folder}' takes {transformer.config.in_channels} channels, Cosmos Predict2.5 "
                f"{vae.config.z_dim} and a mask: give its folder, or use extractor=cosmos_predict1_7b"
            )
        embeds, *_ = encoded_prompt(TextOfCosmos25, folder, prompt, do_classifier_free_guidance=False)
        return cls(transformer, vae, {"encoder_hidden_states": embeds.to(dtype)}, name, size, frames)

    @property
    def blocks(self) -> Sequence[torch.nn.Module]:
        """The blocks of the transformer."""
        return list(self.transformer.transformer_blocks)

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer at timestep sigma, with no frame shown and no padding masked."""
        slots = noisy.shape[2]
        self.transformer(
            noisy,
            timestep=torch.full((1, 1, slots, 1, 1), noise.conditioning, device=noisy.device),
            condition_mask=torch.zeros_like(noisy[:, :1]),
            padding_mask=noisy.new_zeros(1, 1, *self.size),
            **self.prompt,
        )


class TextOfCosmos25(Cosmos2_5_PredictBasePipeline):
    """The text encoder of a Cosmos pipeline alone; the whole pipeline requires a guardrail package."""

    _optional_components: list[str] = []  # noqa: RUF012 (of diffusers)

    def __init__(self, text_encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super(Cosmos2_5_PredictBasePipeline, self).__init__()
        self.register_modules(text_encoder=text_encoder, tokenizer=tokenizer)  # type: ignore[attr-defined]
