"""What latent video diffusion models share: encode the clip, add noise once, run the transformer once."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.extractor import Extractor, causal_slots, whole_clip
from probes.extractors.noise import Noise
from probes.extractors.offloading import Offload, Visitor

FULL = 1000  # timestep of pure noise: most transformers count from 0 (clean) to it


class LatentDiffusion(Extractor):
    """A transformer on the latents of a causal video autoencoder, with the empty prompt and without guidance.

    The latents are the mean of the autoencoder's posterior, normalised as the model was trained; noise is added once.
    A family loads its parts (`from_pretrained`), gives the size of a token (`cell`) and calls its transformer
    (`denoise`); it overrides the defaults here where it differs from them.

    Args:
        transformer: the denoiser, an instance of a diffusers class.
        vae: its autoencoder, an instance of a diffusers class; None for a model of pixels in -1 to 1.
        prompt: the encoded empty prompt, by argument name of the transformer.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
    """

    noisy = True
    kind = "flow"  # of the noise: see `Noise.coefficients`
    transformer: Any  # diffusers is half typed
    vae: Any
    turns: Mapping[str, Visitor] = MappingProxyType({})  # parts that are on the device in turns

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
        """Height and width of a token in pixels: the stride of the autoencoder times the patch of the transformer."""

    @property
    def stride(self) -> int:
        """Frames that the autoencoder joins into one latent, after the first frame."""
        return int(self.vae.config.temporal_compression_ratio)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The blocks of the transformer: dual-stream ones first, then single-stream ones if there are any."""
        single = getattr(self.transformer, "single_transformer_blocks", ())
        return [*self.transformer.transformer_blocks, *single]

    @property
    def prompt(self) -> dict[str, Tensor]:
        """The encoded empty prompt, by argument name of the transformer."""
        return {key: getattr(self, f"prompt_{key}") for key in self.prompt_names}

    @property
    def input_dtype(self) -> torch.dtype:
        """The type of most weights of the transformer: some keep their norms and tables in float32."""
        counts: Counter[torch.dtype] = Counter()
        for weight in self.transformer.parameters():
            counts[weight.dtype] += weight.numel()
        return counts.most_common(1)[0][0]

    def windows(self, frames: int) -> list[list[int]]:
        """Run the whole clip in one forward."""
        self.slots(frames)  # refuse a wrong length before the forward, not after it
        return whole_clip(frames)

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames as the causal autoencoder does."""
        return causal_slots(frames, self.stride)

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Reshape tokens to the grid: time first, then rows, then columns."""
        rows, cols = (side // self.cell for side in self.size)
        grid: Tensor = rearrange(output, "b (s r c) d -> b s r c d", r=rows, c=cols)
        return grid

    def normalise(self, latents: Float[Tensor, "1 channel slot rows cols"]) -> Tensor:
        """Bring the autoencoder's latents to about mean 0 and variance 1, by the checkpoint's scaling factor."""
        return latents * float(self.vae.config.scaling_factor)

    @abstractmethod
    def denoise(self, noisy: Tensor, clean: Tensor, noise: Noise) -> None:
        """Run the transformer once on noisy latents; `clean` is what `condition` returns."""

    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Encode, add noise, denoise once."""
        assert noise is not None  # guaranteed by `check`
        pixels = 2 * rearrange(video, "b t c h w -> b c t h w") - 1
        with self.turn("vae"):
            clean = self.encode(pixels)
            condition = self.condition(pixels, clean)
        with self.turn("transformer"):
            self.denoise(noise.add(clean, generators, self.kind), condition, noise)

    def turn(self, part: str) -> AbstractContextManager[None]:
        """Have a part on the device, where parts take turns."""
        return self.turns[part].visit() if part in self.turns else nullcontext()

    def tile(self) -> None:
        """Let the autoencoder encode in overlapping tiles of its own size.

        Raises:
            ValueError: If the model has no autoencoder.
        """
        if self.vae is None:
            super().tile()
        self.vae.enable_tiling()
        self.tiled = True

    def waiting(self, device: torch.device, offload: Offload | None) -> list[Visitor]:
        """Let the autoencoder, and the transformer or its blocks, wait on the CPU for their turn.

        Raises:
            ValueError: If a model without an autoencoder is offloaded in parts.
        """
        if offload is None or self.vae is None:
            return super().waiting(device, offload)
        self.turns = {"vae": Visitor(self.vae, device)}
        if offload == "parts":
            self.turns = {**self.turns, "transformer": Visitor(self.transformer, device)}
            return list(self.turns.values())
        return [*self.turns.values(), *super().waiting(device, offload)]

    def condition(self, pixels: Float[Tensor, "1 3 time height width"], clean: Tensor) -> Tensor:
        """Return the noise-free input of `denoise`: the latents, unless a model is conditioned on something else."""
        return clean

    def encode(self, pixels: Float[Tensor, "1 3 time height width"]) -> Float[Tensor, "1 channel slot rows cols"]:
        """Encode pixels in -1 to 1 to the mean of the latent posterior, normalised."""
        if self.vae is None:
            return pixels
        dtype = next(self.vae.parameters()).dtype
        return self.normalise(self.vae.encode(pixels.to(dtype)).latent_dist.mode()).to(pixels.dtype)


def load_part(cls: Any, folder: str | Path, part: str, **options: Any) -> Any:
    """Load one part of a local diffusers checkpoint folder.

    Raises:
        FileNotFoundError: If the folder lacks the part or some of its files.
        ValueError: If the part is of another class than `cls`.
    """
    path = Path(folder) / part
    if not (path / "config.json").is_file():
        raise FileNotFoundError(
            f"no {part} in '{folder}': give a diffusers checkpoint folder (`hf download NAME --local-dir FOLDER`)"
        )
    stored = cls.load_config(path).get("_class_name") if hasattr(cls, "load_config") else None
    if stored is not None and stored != cls.__name__:
        raise ValueError(f"{path} holds a {stored}, not a {cls.__name__}: choose the extractor of that model")
    try:
        return cls.from_pretrained(path, local_files_only=True, **options)
    except OSError as error:
        raise FileNotFoundError(f"{path} is incomplete: {error}".splitlines()[0]) from error
