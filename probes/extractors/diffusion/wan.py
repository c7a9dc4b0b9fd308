"""WAN 2.1 and 2.2 (arXiv 2503.20314): a straight flow on the latents of a causal autoencoder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.diffusion.latent_diffusion import FULL, LatentDiffusion, load_part
from probes.extractors.diffusion.text import encoded_prompt
from probes.extractors.noise import Noise

Expert = Literal["high", "low"]


class WanExtractor(LatentDiffusion):
    """Text-to-video WAN, read behind `blocks[k]`; a slot encodes the four frames of a latent.

    WAN 2.2 A14B has two experts: one for noise levels from a boundary on, one for those below. An extractor is one of
    them, and takes the noise levels that it was trained for.

    Args:
        transformer: see `LatentDiffusion`.
        vae: see `LatentDiffusion`.
        prompt: see `LatentDiffusion`.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        levels: lowest and highest noise level that conditions the transformer; the highest is excluded below 1.
    """

    def __init__(
        self,
        transformer: nn.Module,
        vae: nn.Module | None,
        prompt: Mapping[str, Tensor],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        levels: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        super().__init__(transformer, vae, prompt, name, size, frames)
        self.levels = levels

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 832),
        frames: int | None = 81,
        dtype: torch.dtype = torch.float16,
        prompt: str = "",
        expert: Expert | None = None,
    ) -> WanExtractor:
        """Load a diffusers checkpoint folder (Wan-AI/Wan2.1-T2V-1.3B-Diffusers, -14B-, Wan2.2-T2V-A14B-, -TI2V-5B-).

        Args:
            folder: the folder.
            name: see `Extractor`.
            size: see `Extractor`.
            frames: see `Extractor`.
            dtype: type of most weights of the transformer; its norms and tables stay in float32.
            prompt: text that conditions the model.
            expert: "high" or "low" noise, of a checkpoint with two experts; None for any other.

        Raises:
            FileNotFoundError: If a part of it is missing.
            ValueError: If it is the checkpoint of another model, or `expert` does not fit it.
        """
        part, levels = find_expert(Path(folder), expert)
        transformer = load_part(WanTransformer3DModel, folder, part, torch_dtype=dtype)
        vae = load_part(AutoencoderKLWan, folder, "vae", torch_dtype=torch.float32)
        if transformer.config.in_channels != vae.config.z_dim or transformer.config.image_dim is not None:
            raise ValueError(f"'{folder}' is an image-to-video WAN, which has no extractor: give a text-to-video one")
        embeds, *_ = encoded_prompt(WanPipeline, folder, prompt, do_classifier_free_guidance=False)
        return cls(transformer, vae, {"encoder_hidden_states": embeds.to(dtype)}, name, size, frames, levels)

    def check(self, layers: Sequence[int], noise: Noise | None) -> None:
        """Check as `Extractor.check` does, and that the expert was trained for the noise level.

        Raises:
            ValueError: also, if it was not.
        """
        super().check(layers, noise)
        low, high = self.levels
        if noise is not None and not (low <= noise.conditioning < high or noise.conditioning == high == 1):
            raise ValueError(
                f"{self.name} is the expert of noise levels from {low:g} to {high:g}; "
                f"sigma={noise.conditioning:g} is of the other one: choose it by extractor.build.expert"
            )

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


def find_expert(folder: Path, expert: str | None) -> tuple[str, tuple[float, float]]:
    """Name the part of a checkpoint folder that holds a transformer, and the noise levels that it was trained for.

    Raises:
        ValueError: the folder has two experts and none is chosen, or has one and one is chosen.
    """
    index = folder / "model_index.json"
    boundary = json.loads(index.read_text()).get("boundary_ratio") if index.is_file() else None
    if boundary is None:
        if expert is not None:
            raise ValueError(f"'{folder}' has one transformer: leave expert={expert} out")
        return "transformer", (0.0, 1.0)
    experts = {"high": ("transformer", (float(boundary), 1.0)), "low": ("transformer_2", (0.0, float(boundary)))}
    if expert not in experts:
        given = "none was chosen" if expert is None else f"expert={expert} is neither"
        raise ValueError(
            f"'{folder}' has two experts, of noise levels below {boundary:g} and from there on; {given}: "
            "choose expert=low or expert=high"
        )
    return experts[expert]
