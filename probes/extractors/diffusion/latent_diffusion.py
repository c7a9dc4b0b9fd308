"""What latent diffusion models of video share: encode the clip, add noise once, run the transformer once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.extractor import Extractor
from probes.extractors.noise import Noise

FULL = 1000  # timesteps that most transformers count from clean to noise


class LatentDiffusion(Extractor):
    """A transformer on the latents of a video autoencoder, told the empty prompt, without guidance.

    The latents are the mean of the autoencoder's posterior, normalised as the model was trained, with noise added once.

    Args:
        transformer: stock class of the denoiser.
        vae: stock class of its autoencoder; None for a model of pixels in -1 to 1.
        prompt: what the text encoder makes of the empty prompt, by the transformer's argument names.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
    """

    noisy = True
    kind = "flow"  # of the noise: see `Noise.coefficients`
    transformer: Any  # stock classes are half typed
    vae: Any

    def __init__(
        self,
        transformer: nn.Module,
        vae: nn.Module | None,
        prompt: Mapping[str, Tensor],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
    ) -> None:
        super().__init__(name, size, frames)
        self.transformer, self.vae = transformer.eval(), None if vae is None else vae.eval()
        self.prompt_names = tuple(prompt)
        for key, value in prompt.items():
            self.register_buffer(f"prompt_{key}", value)
        if any(side % self.cell for side in self.size):
            raise ValueError(f"{name} needs a height and width that {self.cell} divides, got {self.size}")

    @property
    @abstractmethod
    def cell(self) -> int:
        """Pixels that a token spans in height and in width."""

    @property
    def prompt(self) -> dict[str, Tensor]:
        """What the transformer is told of text."""
        return {key: getattr(self, f"prompt_{key}") for key in self.prompt_names}

    @abstractmethod
    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Bring the autoencoder's latents to mean 0 and variance 1, as the transformer was trained on them."""

    @abstractmethod
    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer on noisy latents; `clean` is there for models that are shown the first frame."""

    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Encode, add noise, denoise once."""
        assert noise is not None  # `check` has seen to it
        pixels = 2 * rearrange(video, "b t c h w -> b c t h w") - 1
        clean = self.encode(pixels)
        self.denoise(noise.add(clean, generators, self.kind), self.condition(pixels, clean), noise)

    def condition(self, pixels: Float[Tensor, "1 3 time height width"], clean: Tensor) -> Tensor:
        """Make what `denoise` gets as `clean`: the latents, unless a model is shown something else without noise."""
        return clean

    def encode(self, pixels: Float[Tensor, "1 3 time height width"]) -> Float[Tensor, "1 channel slot rows cols"]:
        """Take the mean latents of pixels in -1 to 1."""
        if self.vae is None:
            return pixels
        dtype = next(self.vae.parameters()).dtype
        return self.normalise(self.vae.encode(pixels.to(dtype)).latent_dist.mode()).to(pixels.dtype)


def load_part(cls: Any, folder: str | Path, part: str, **options: Any) -> Any:
    """Load one part of a diffusers checkpoint folder; nothing is downloaded.

    Raises:
        FileNotFoundError: the folder has no such part.
        ValueError: it is another model's.
    """
    place = Path(folder) / part
    if not (place / "config.json").is_file():
        raise FileNotFoundError(
            f"no {part} in '{folder}': give a diffusers checkpoint folder (`hf download NAME --local-dir FOLDER`)"
        )
    found = cls.load_config(place).get("_class_name") if hasattr(cls, "load_config") else None
    if found is not None and found != cls.__name__:
        raise ValueError(f"{place} holds a {found}, not a {cls.__name__}: choose the extractor of that model")
    try:
        return cls.from_pretrained(place, local_files_only=True, **options)
    except OSError as error:
        raise FileNotFoundError(f"{place} is not whole: {error}".splitlines()[0]) from error
