"""Open-Sora 2.0 (arXiv 2503.09642): a Flux transformer on the latents of HunyuanVideo, shown frame 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from probes.extractors.diffusion.latent_diffusion import LatentDiffusion
from probes.extractors.diffusion.open_sora.checkpoint import (
    encoded_prompts,
    find_files,
    load_autoencoder,
    load_transformer,
)
from probes.extractors.noise import Noise

PATCH = 2  # latents that a token spans in height and in width


class OpenSoraExtractor(LatentDiffusion):
    """Open-Sora 2.0, read behind its blocks (the tokens of the video), with the empty prompt.

    Layers count the double blocks first, then the single ones: of 19 + 38, layer 39 is `single_blocks[20]`.

    The transformer also receives a mask of the conditioned slots and their noise-free latents: here frame 0, encoded
    alone.

    Args:
        parts: the arguments of `LatentDiffusion`.
        keep_slots: number of slots whose features are kept, from the first on; None keeps all. The transformer
            attends to all of them.
        first_frame: whether frame 0 conditions the transformer; if not, mask and latents are zeros (text-to-video).
    """

    video_entry = 1

    def __init__(self, *parts: Any, keep_slots: int | None = None, first_frame: bool = True) -> None:
        super().__init__(*parts)
        self.keep_slots, self.first_frame = keep_slots, first_frame

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 848),
        frames: int | None = 129,
        dtype: torch.dtype = torch.bfloat16,
        prompt: str = "",
        keep_slots: int | None = 21,
        first_frame: bool = True,
    ) -> OpenSoraExtractor:
        """Load the published files (hpcai-tech/Open-Sora-v2): two safetensors and the folders of T5 and CLIP.

        Raises:
            FileNotFoundError: If one of them is missing.
            ValueError: If a file has other keys than the published one.
        """
        files = find_files(folder)
        text = {key: value.to(dtype) for key, value in encoded_prompts(files, prompt).items()}
        transformer, vae = load_transformer(files.transformer).to(dtype), load_autoencoder(files.autoencoder).float()
        return cls(transformer, vae, text, name, size, frames, keep_slots=keep_slots, first_frame=first_frame)

    @property
    def cell(self) -> int:
        """Stride of the autoencoder times patch."""
        return int(self.vae.spatial_compression_ratio * PATCH)

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames as the autoencoder does, up to the last slot that is kept."""
        return super().slots(frames)[: self.keep_slots]

    def settings(self) -> Mapping[str, Any]:
        """List the number of kept slots and the conditioning."""
        return {"keep_slots": self.keep_slots, "first_frame": self.first_frame}

    def condition(self, pixels: Float[Tensor, "1 3 time height width"], clean: Tensor) -> Tensor:
        """Return the mask of conditioned slots and their latents: frame 0, encoded alone to keep later frames out."""
        mask, latents = torch.zeros_like(clean[:, :1]), torch.zeros_like(clean)
        if self.first_frame:
            mask[:, :, 0] = 1
            latents[:, :, :1] = self.encode(pixels[:, :, :1])
        return torch.cat([mask, latents], 1)

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer at timestep sigma; packed latents have positions (time, row, column), text (0, 0, 0)."""
        tokens = pack(noisy)
        if self.transformer.config.in_channels > tokens.shape[-1]:
            tokens = torch.cat([tokens, pack(clean)], -1)
        sides = (noisy.shape[2], noisy.shape[3] // PATCH, noisy.shape[4] // PATCH)
        positions = torch.cartesian_prod(*(torch.arange(side, device=noisy.device) for side in sides))
        self.transformer(
            tokens,
            timestep=torch.full((1,), noise.conditioning, device=noisy.device),
            img_ids=positions,
            txt_ids=positions.new_zeros(self.prompt["encoder_hidden_states"].shape[1], 3),
            **self.prompt,
        )

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Reshape tokens to the grid and keep the first slots."""
        return super().grid(output, frames)[:, : self.keep_slots]


def pack(latents: Float[Tensor, "1 channel slot rows cols"]) -> Float[Tensor, "1 token packed"]:
    """Join the latents of a patch into a token."""
    tokens: Tensor = rearrange(latents, "b c s (r p) (q o) -> b (s r q) (c p o)", p=PATCH, o=PATCH)
    return tokens
