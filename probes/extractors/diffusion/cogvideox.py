"""CogVideoX 1.0 (arXiv 2408.06072) and Aether (arXiv 2503.18945): a variance-preserving process, shown frame 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
)
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from probes.extractors.diffusion.cogvideox_rotary import rotary_positions
from probes.extractors.diffusion.latent_diffusion import LatentDiffusion, load_part
from probes.extractors.diffusion.text import empty_prompt
from probes.extractors.extractor import causal_slots
from probes.extractors.noise import Noise, preserving_timestep
from probes.extractors.pieces import cut


class CogVideoXExtractor(LatentDiffusion):
    """Text- or image-to-video CogVideoX, read behind `transformer_blocks[k]` (the tokens of the video).

    A long clip is taken in interleaved pieces that share frame 0; of two, frame s > 0 is in piece (s - 1) % 2 and there
    in slot ((s - 1) // 2) // 4 + 1 (specs/vidfm3d.md 2.2).

    The channels of the transformer's input are, in order: the latents of the video, with noise; geometry latents, with
    noise (Aether: disparity and ray maps); the latent of frame 0 alone, zeros after it (image-to-video); zeros (Aether:
    the camera condition). The published extraction of Aether first samples its geometry by a full reconstruction. That
    is not done here: `zero_geometry` takes zeros for it and adds the noise to them.

    Args:
        transformer: see `LatentDiffusion`.
        vae: see `LatentDiffusion`.
        prompt: see `LatentDiffusion`.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        alphas_cumprod: of the schedule that the transformer was trained with.
        pieces: how many interleaved pieces a clip is taken in; 1 for the whole clip at once.
        first_frame: whether an image-to-video model is shown frame 0; if not, it is shown zeros (a control).
        zero_geometry: take zeros for geometry latents; to be said aloud, as it is not what was published.
        time_scale: of the rotary positions; Aether has 12 / frames per second.
    """

    kind = "preserving"
    alphas_cumprod: Tensor

    def __init__(
        self,
        transformer: nn.Module,
        vae: nn.Module,
        prompt: Mapping[str, Tensor],
        name: str,
        size: Sequence[int],
        frames: int | None,
        alphas_cumprod: Float[Tensor, "step"],
        pieces: int = 1,
        first_frame: bool = True,
        zero_geometry: bool = False,
        time_scale: float = 1.0,
    ) -> None:
        super().__init__(transformer, vae, prompt, name, size, frames)
        self.register_buffer("alphas_cumprod", alphas_cumprod)
        self.piece_count, self.first_frame, self.time_scale = pieces, first_frame, time_scale
        config = self.transformer.config
        self.latent = self.vae.config.latent_channels
        self.geometry = config.out_channels - self.latent
        self.shown = config.in_channels - config.out_channels
        if config.patch_size_t is not None:
            raise ValueError(f"{name} is a CogVideoX 1.5, which joins latents in time: give a checkpoint of 1.0")
        if self.geometry and not zero_geometry:
            raise ValueError(
                f"{name} denoises {self.geometry} channels of geometry, which are not sampled here: "
                "set zero_geometry=true to take zeros for them"
            )
        if pieces < 1:
            raise ValueError(f"a clip is taken in one piece or more, got pieces={pieces}")

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 720),
        frames: int | None = 97,
        dtype: torch.dtype = torch.float16,
        base: str | Path | None = None,
        pieces: int = 2,
        **options: Any,
    ) -> CogVideoXExtractor:
        """Load a diffusers checkpoint folder (THUDM/CogVideoX-2b, -5b-I2V); Aether's has only a transformer.

        Args:
            folder: has the transformer.
            name: see `Extractor`.
            size: see `Extractor`.
            frames: see `Extractor`.
            dtype: of the transformer.
            base: has the autoencoder, the text encoder and the scheduler; the same folder if None.
            pieces: see the class.
            options: see the class: first_frame, zero_geometry, time_scale.

        Raises:
            FileNotFoundError: a part of it is missing.
            ValueError: it is another model's.
        """
        base = folder if base is None else base
        transformer = load_part(CogVideoXTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLCogVideoX, base, "vae", torch_dtype=torch.float32)
        schedule = load_schedule(base)
        embeds, _ = empty_prompt(CogVideoXPipeline, base, do_classifier_free_guidance=False)
        prompt = {"encoder_hidden_states": embeds.to(dtype)}
        return cls(transformer, vae, prompt, name, size, frames, schedule, pieces, **options)

    @property
    def cell(self) -> int:
        """Autoencoder stride times patch."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1) * self.transformer.config.patch_size)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer's blocks."""
        return list(self.transformer.transformer_blocks)

    def pieces(self, frames: int) -> list[list[int]]:
        """Cut the clip."""
        length = 1 + (frames - 1) // self.piece_count
        pieces = cut(frames, "interleaved" if length > 1 else "whole", length)
        self.slots(len(pieces[0]))  # refuse before a forward, not after it
        return pieces

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames as the autoencoder does."""
        return causal_slots(frames, int(self.vae.config.temporal_compression_ratio))

    def settings(self) -> Mapping[str, Any]:
        """Name the pieces and the conditioning."""
        return {"pieces": self.piece_count, "first_frame": self.first_frame, "time_scale": self.time_scale}

    def encode(self, pixels: Float[Tensor, "1 3 time height width"]) -> Float[Tensor, "1 channel slot rows cols"]:
        """Take the mean latents of pixels in -1 to 1, with zeros for geometry behind them."""
        return pad(super().encode(pixels), (0, 0, 0, 0, 0, 0, 0, self.geometry))

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Scale by the checkpoint's factor, or by its inverse, whichever the model was trained with."""
        factor = float(self.vae.config.scaling_factor)
        return latents / factor if self.vae.config.invert_scale_latents else latents * factor

    def condition(self, pixels: Float[Tensor, "1 3 time height width"], clean: Tensor) -> Tensor:
        """Encode frame 0 alone, so that nothing of later frames leaks into what is shown without noise."""
        shown = clean.new_zeros(1, self.shown, *clean.shape[2:])
        if self.shown and self.first_frame:
            shown[:, : self.latent, :1] = self.encode(pixels[:, :, :1])[:, : self.latent]
        return shown

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer, told the timestep that has the noise level."""
        told = torch.full((1,), preserving_timestep(noise.conditioning, self.alphas_cumprod), device=noisy.device)
        latents = rearrange(torch.cat([noisy, clean], 1), "b c s r w -> b s c r w")
        positions = None
        if self.transformer.config.use_rotary_positional_embeddings:
            grid = (latents.shape[1], self.size[0] // self.cell, self.size[1] // self.cell)
            positions = rotary_positions(self.transformer.config, grid, self.time_scale, noisy.device)
        self.transformer(latents, timestep=told, image_rotary_emb=positions, **self.prompt)

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Lay tokens on the grid: time first, then rows, then columns."""
        sides = {"s": len(self.slots(frames)), "r": self.size[0] // self.cell}
        grid: Tensor = rearrange(output, "b (s r c) d -> b s r c d", **sides)
        return grid


def load_schedule(folder: str | Path) -> Float[Tensor, "step"]:
    """Read how much signal is left at each step; the DDIM and the DPM scheduler of CogVideoX share it.

    Raises:
        FileNotFoundError: the folder has no scheduler.
    """
    try:
        scheduler = CogVideoXDDIMScheduler.from_pretrained(folder, subfolder="scheduler", local_files_only=True)
    except OSError as error:
        raise FileNotFoundError(f"no scheduler in '{folder}': {error}".splitlines()[0]) from error
    kept: Tensor = scheduler.alphas_cumprod
    return kept
