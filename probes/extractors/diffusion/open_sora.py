"""Open-Sora 2.0 (arXiv 2503.09642): a Flux transformer on the latents of HunyuanVideo, shown frame 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.diffusion.latent_diffusion import LatentDiffusion
from probes.extractors.diffusion.open_sora_checkpoint import (
    empty_prompts,
    find_files,
    load_autoencoder,
    load_transformer,
)
from probes.extractors.extractor import causal_slots
from probes.extractors.noise import Noise

PATCH = 2  # latents that a token spans in height and in width


class OpenSoraExtractor(LatentDiffusion):
    """Open-Sora 2.0, read behind its blocks (the tokens of the video), told the empty prompt.

    Layers count the double blocks first, then the single ones: of 19 + 38, layer 39 is `single_blocks[20]`.

    Beside the noisy latents the transformer is shown a mask of the slots that are given, and their latents without
    noise; here frame 0, encoded alone.

    Args:
        transformer: see `LatentDiffusion`.
        vae: see `LatentDiffusion`.
        prompt: see `LatentDiffusion`.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        keep_slots: only the features of so many slots are kept; None for all. The transformer sees all.
        first_frame: whether it is shown frame 0; if not, mask and latents are zeros (its text-to-video).
    """

    video_entry = 1

    def __init__(
        self,
        transformer: nn.Module,
        vae: nn.Module,
        prompt: Mapping[str, Tensor],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        keep_slots: int | None = None,
        first_frame: bool = True,
    ) -> None:
        super().__init__(transformer, vae, prompt, name, size, frames)
        self.keep_slots, self.first_frame = keep_slots, first_frame

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 848),
        frames: int | None = 129,
        dtype: torch.dtype = torch.bfloat16,
        keep_slots: int | None = 21,
        first_frame: bool = True,
    ) -> OpenSoraExtractor:
        """Load the published files (hpcai-tech/Open-Sora-v2): two safetensors and the folders of T5 and CLIP.

        Raises:
            FileNotFoundError: one of them is missing.
            ValueError: a file has other keys than the published one.
        """
        files = find_files(folder)
        prompt = {key: value.to(dtype) for key, value in empty_prompts(files).items()}
        transformer, vae = load_transformer(files.transformer).to(dtype), load_autoencoder(files.autoencoder).float()
        return cls(transformer, vae, prompt, name, size, frames, keep_slots, first_frame)

    @property
    def cell(self) -> int:
        """Autoencoder stride times patch."""
        return int(self.vae.spatial_compression_ratio * PATCH)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The double blocks, then the single ones."""
        return [*self.transformer.transformer_blocks, *self.transformer.single_transformer_blocks]

    def pieces(self, frames: int) -> list[list[int]]:
        """Take the clip whole."""
        self.slots(frames)  # refuse before a forward, not after it
        return [list(range(frames))]

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames as the autoencoder does, as far as slots are kept."""
        return causal_slots(frames, self.vae.temporal_compression_ratio)[: self.keep_slots]

    def settings(self) -> Mapping[str, Any]:
        """Name what is kept and what is shown."""
        return {"keep_slots": self.keep_slots, "first_frame": self.first_frame}

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Scale by the autoencoder's factor."""
        return latents * float(self.vae.config.scaling_factor)

    def condition(self, pixels: Float[Tensor, "1 3 time height width"], clean: Tensor) -> Tensor:
        """Give the mask of known slots, and their latents: frame 0 alone, so that nothing of later frames leaks."""
        mask, latents = torch.zeros_like(clean[:, :1]), torch.zeros_like(clean)
        if self.first_frame:
            mask[:, :, 0] = 1
            latents[:, :, :1] = self.encode(pixels[:, :, :1])
        return torch.cat([mask, latents], 1)

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer on packed latents at (time, row, column), told sigma; text is at (0, 0, 0)."""
        tokens = pack(noisy)
        if self.transformer.config.in_channels > tokens.shape[-1]:
            tokens = torch.cat([tokens, pack(clean)], -1)
        sides = (noisy.shape[2], noisy.shape[3] // PATCH, noisy.shape[4] // PATCH)
        places = torch.cartesian_prod(*(torch.arange(side, device=noisy.device) for side in sides))
        self.transformer(
            tokens,
            timestep=torch.full((1,), noise.conditioning, device=noisy.device),
            img_ids=places,
            txt_ids=places.new_zeros(self.prompt["encoder_hidden_states"].shape[1], 3),
            **self.prompt,
        )

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Lay tokens on the grid: time first, then rows, then columns; keep the first slots."""
        rows, cols = (side // self.cell for side in self.size)
        grid: Tensor = rearrange(output, "b (s r c) d -> b s r c d", r=rows, c=cols)
        return grid[:, : self.keep_slots]


def pack(latents: Float[Tensor, "1 channel slot rows cols"]) -> Float[Tensor, "1 token packed"]:
    """Join the latents of a patch into a token."""
    tokens: Tensor = rearrange(latents, "b c s (r p) (q o) -> b (s r q) (c p o)", p=PATCH, o=PATCH)
    return tokens
