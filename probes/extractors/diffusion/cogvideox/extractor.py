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
from torch import Tensor
from torch.nn.functional import pad

from probes.extractors.diffusion.cogvideox.rotary import rotary_positions
from probes.extractors.diffusion.latent_diffusion import LatentDiffusion, load_part
from probes.extractors.diffusion.text import encoded_prompt
from probes.extractors.noise import Noise, preserving_timestep
from probes.extractors.windowing import split


class CogVideoXExtractor(LatentDiffusion):
    """Text- or image-to-video CogVideoX, read behind `transformer_blocks[k]` (the tokens of the video).

    A long clip is split into interleaved windows that share frame 0; of two, frame s > 0 is in window (s - 1) % 2 and
    there in slot ((s - 1) // 2) // 4 + 1 (specs/vidfm3d.md 2.2).

    The channels of the transformer's input are, in order: noisy latents of the video; noisy geometry latents (Aether:
    disparity and ray maps); the latent of frame 0 alone, zeros after it (image-to-video); zeros (Aether: the camera
    condition). The published extraction of Aether first samples its geometry by a full reconstruction. That is not done
    here: with `zero_geometry` the clean geometry latents are zeros.

    Args:
        parts: the arguments of `LatentDiffusion`.
        alphas_cumprod: remaining signal at each step of the schedule that the transformer was trained with.
        windows: number of interleaved windows that a clip is split into; 1 runs the whole clip at once.
        first_frame: whether an image-to-video model is conditioned on frame 0; if not, on zeros (a control).
        zero_geometry: use zeros for geometry latents; must be set explicitly because it differs from the published
            extraction.
        time_scale: factor of the rotary positions in time; Aether has 12 / frames per second.
    """

    kind = "preserving"
    alphas_cumprod: Tensor

    def __init__(
        self,
        *parts: Any,
        alphas_cumprod: Float[Tensor, "step"],
        windows: int = 1,
        first_frame: bool = True,
        zero_geometry: bool = False,
        time_scale: float = 1.0,
    ) -> None:
        super().__init__(*parts)
        self.register_buffer("alphas_cumprod", alphas_cumprod)
        self.window_count, self.first_frame, self.time_scale = windows, first_frame, time_scale
        config = self.transformer.config
        self.latent_channels = self.vae.config.latent_channels
        self.geometry_channels = config.out_channels - self.latent_channels
        self.condition_channels = config.in_channels - config.out_channels
        if config.patch_size_t is not None:
            raise ValueError(f"{self.name} is a CogVideoX 1.5, which joins latents in time: give a checkpoint of 1.0")
        if self.geometry_channels and not zero_geometry:
            raise ValueError(
                f"{self.name} denoises {self.geometry_channels} channels of geometry, which are not sampled here: "
                "set zero_geometry=true to use zeros instead"
            )
        if windows < 1:
            raise ValueError(f"windows={windows}: split a clip into one window or more")

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 720),
        frames: int | None = 97,
        dtype: torch.dtype = torch.float16,
        prompt: str = "",
        base: str | Path | None = None,
        windows: int = 2,
        **options: Any,
    ) -> CogVideoXExtractor:
        """Load a diffusers checkpoint folder (THUDM/CogVideoX-2b, -5b-I2V); Aether's has only a transformer.

        Args:
            folder: folder with the transformer.
            name: see `Extractor`.
            size: see `Extractor`.
            frames: see `Extractor`.
            dtype: type of the transformer's weights.
            prompt: text that conditions the model.
            base: folder with the autoencoder, the text encoder and the scheduler; the same folder if None.
            windows: see the class.
            options: first_frame, zero_geometry, time_scale: see the class.

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model.
        """
        base = folder if base is None else base
        transformer = load_part(CogVideoXTransformer3DModel, folder, "transformer", torch_dtype=dtype)
        vae = load_part(AutoencoderKLCogVideoX, base, "vae", torch_dtype=torch.float32)
        schedule = load_schedule(base)
        embeds, *_ = encoded_prompt(CogVideoXPipeline, base, prompt, do_classifier_free_guidance=False)
        text = {"encoder_hidden_states": embeds.to(dtype)}
        return cls(transformer, vae, text, name, size, frames, alphas_cumprod=schedule, windows=windows, **options)

    @property
    def cell(self) -> int:
        """Stride of the autoencoder times patch."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1) * self.transformer.config.patch_size)

    def windows(self, frames: int) -> list[list[int]]:
        """Split the clip into interleaved windows."""
        length = 1 + (frames - 1) // self.window_count
        windows = split(frames, "interleaved" if length > 1 else "whole", length)
        self.slots(len(windows[0]))  # refuse a wrong length before the forward, not after it
        return windows

    def settings(self) -> Mapping[str, Any]:
        """List the number of windows and the conditioning."""
        return {"pieces": self.window_count, "first_frame": self.first_frame, "time_scale": self.time_scale}

    def encode(self, pixels: Float[Tensor, "1 3 time height width"]) -> Float[Tensor, "1 channel slot rows cols"]:
        """Encode pixels in -1 to 1 to mean latents, followed by zeros for the geometry channels."""
        return pad(super().encode(pixels), (0, 0, 0, 0, 0, 0, 0, self.geometry_channels))

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Scale by the checkpoint's factor, or by its inverse, whichever the model was trained with."""
        factor = float(self.vae.config.scaling_factor)
        return latents / factor if self.vae.config.invert_scale_latents else latents * factor

    def condition(self, pixels: Float[Tensor, "1 3 time height width"], clean: Tensor) -> Tensor:
        """Encode frame 0 alone, so that no later frame leaks into the noise-free condition."""
        condition = clean.new_zeros(1, self.condition_channels, *clean.shape[2:])
        if self.condition_channels and self.first_frame:
            condition[:, : self.latent_channels, :1] = self.encode(pixels[:, :, :1])[:, : self.latent_channels]
        return condition

    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer at the timestep of the same signal-to-noise ratio."""
        timestep = torch.full((1,), preserving_timestep(noise.conditioning, self.alphas_cumprod), device=noisy.device)
        latents = rearrange(torch.cat([noisy, clean], 1), "b c s r w -> b s c r w")
        positions = None
        if self.transformer.config.use_rotary_positional_embeddings:
            grid = (latents.shape[1], self.size[0] // self.cell, self.size[1] // self.cell)
            positions = rotary_positions(self.transformer.config, grid, self.time_scale, noisy.device)
        self.transformer(latents, timestep=timestep, image_rotary_emb=positions, **self.prompt)


def load_schedule(folder: str | Path) -> Float[Tensor, "step"]:
    """Read the remaining signal at each step; the DDIM and the DPM scheduler of CogVideoX share it.

    Raises:
        FileNotFoundError: If the folder has no scheduler.
    """
    try:
        scheduler = CogVideoXDDIMScheduler.from_pretrained(folder, subfolder="scheduler", local_files_only=True)
    except OSError as error:
        raise FileNotFoundError(f"no scheduler in '{folder}': {error}".splitlines()[0]) from error
    signal: Tensor = scheduler.alphas_cumprod
    return signal
