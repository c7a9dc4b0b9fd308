"""LTX-2 (arXiv 2601.03233): a straight flow on video and sound, of which the video is read alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLLTX2Video, LTX2Pipeline, LTX2VideoTransformer3DModel
from diffusers.pipelines.ltx2.connectors import LTX2TextConnectors
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from probes.extractors.diffusion.latent_diffusion import FULL, LatentDiffusion, load_part
from probes.extractors.diffusion.text import encoded_prompt
from probes.extractors.noise import Noise


class LTX2Extractor(LatentDiffusion):
    """Text-to-video LTX-2, read behind `transformer_blocks[k]` (the tokens of the video); a slot encodes eight frames.

    The streams of video and sound attend to each other. Footage here has no sound, so that they are isolated, as the
    transformer itself can (`isolate_modalities`): the video's tokens do not depend on the one silent token of sound.

    Args:
        parts: the arguments of `LatentDiffusion`.
        frame_rate: frames per second; the rotary positions count seconds.
    """

    def __init__(self, *parts: Any, frame_rate: float = 24.0) -> None:
        super().__init__(*parts)
        self.frame_rate = frame_rate

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (512, 768),
        frames: int | None = 81,
        dtype: torch.dtype = torch.bfloat16,
        prompt: str = "",
        frame_rate: float = 24.0,
    ) -> LTX2Extractor:
        """Load a diffusers checkpoint folder (Lightricks/LTX-2).

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model.
        """
        transformer = load_part(LTX2VideoTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLLTX2Video, folder, "vae", torch_dtype=torch.float32)
        video, sound, mask = encoded_prompt(TextOfLTX2, folder, prompt)
        text = {
            "encoder_hidden_states": video.to(dtype),
            "audio_encoder_hidden_states": sound.to(dtype),
            "encoder_attention_mask": mask,
            "audio_encoder_attention_mask": mask,
        }
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
        """Run the transformer on packed latents at timestep 1000 sigma, beside one silent token of sound."""
        _, _, slots, rows, cols = noisy.shape
        timestep = torch.full((1,), FULL * noise.conditioning, device=noisy.device)
        self.transformer(
            rearrange(noisy, "b c s r w -> b (s r w) c"),
            noisy.new_zeros(1, 1, self.transformer.config.audio_in_channels),
            timestep=timestep,
            sigma=timestep,
            num_frames=slots,
            height=rows,
            width=cols,
            fps=self.frame_rate,
            audio_num_frames=1,
            isolate_modalities=True,
            **self.prompt,
        )


class TextOfLTX2(LTX2Pipeline):
    """The text encoder and the connectors of an LTX-2 pipeline, which adapt its states to video and to sound."""

    _optional_components: list[str] = []  # noqa: RUF012 (of diffusers)

    def __init__(
        self, text_encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, connectors: LTX2TextConnectors
    ) -> None:
        super(LTX2Pipeline, self).__init__()
        self.register_modules(text_encoder=text_encoder, tokenizer=tokenizer, connectors=connectors)  # type: ignore[attr-defined]

    def encode_prompt(self, prompt: str, device: str) -> list[Tensor]:  # type: ignore[override]
        """Encode a prompt for video and for sound, with the mask of its tokens."""
        parts: Any = self.components  # type: ignore[attr-defined]
        states, mask, *_ = super().encode_prompt(prompt, device=device, do_classifier_free_guidance=False)
        return list(parts["connectors"](states, mask, padding_side=parts["tokenizer"].padding_side))
