"""Image encoders, frame by frame: DINO, SigLIP and other stock models of transformers and timm."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from models.checkpoint_registry import checkpoint_folder
from probes.extractors.extractor import Extractor
from probes.extractors.noise import Noise
from probes.extractors.stock import load_stock, normalise, pixel_statistics

# where stock models keep their list of blocks, and the norm after the last
BLOCKS = (
    *("encoder.layer", "encoder.layers", "encoder.stages", "model.layer", "model.stages"),
    *("layers", "layer", "blocks", "stages"),
)
NORMS = ("layernorm", "post_layernorm", "layer_norm", "norm")


class ImageExtractor(Extractor):
    """A stock image encoder on single frames: a slot has seen one. Class and register tokens are dropped.

    Layer k is what block k gives, before any norm. With `final_norm`, the last layer is what the model's last norm
    makes of it: `last_hidden_state`, which the study reads of DINOv2 (specs/vidfm3d.md 2.2). Of a convolutional encoder
    the blocks are its stages, each with a grid of its own.

    Args:
        model: the encoder.
        statistics: mean and deviation of pixels.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        final_norm: whether the last layer is read behind the last norm.
        batch: frames that go through the encoder at once; it changes rounding at most.
    """

    statistics: Tensor

    def __init__(
        self,
        model: nn.Module,
        statistics: Float[Tensor, "2 3"],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        final_norm: bool = False,
        batch: int = 16,
    ) -> None:
        super().__init__(name, size, frames)
        self.model: Any = getattr(model, "vision_model", model).eval()  # of a model of images and text, that of images
        self.final_norm, self.batch = final_norm, batch
        self.register_buffer("statistics", statistics)
        if any(side % self.patch for side in self.size):
            raise ValueError(f"{name} needs a height and width that its patch of {self.patch} divides, got {self.size}")
        if resize := getattr(self.encoder, "set_input_size", None):  # timm: resamples position embeddings
            resize(img_size=self.size)
        arguments = inspect.signature(self.model.forward).parameters
        if "spatial_shapes" in arguments:
            raise ValueError(f"{name} takes lists of patches (NaFlex), not images: take a model of fixed resolution")
        self.resample = "interpolate_pos_encoding" in arguments  # transformers: the same, where it is asked for
        found_blocks(self.encoder, final_norm)  # refuse now what has none

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (420, 728),
        frames: int | None = None,
        dtype: torch.dtype = torch.float16,
        final_norm: bool = False,
        batch: int = 16,
    ) -> ImageExtractor:
        """Load a checkpoint folder of transformers, or one of timm on the Hub.

        Raises:
            FileNotFoundError: it is not there, or not whole.
            ValueError: the model has no blocks that can be read.
        """
        folder = checkpoint_folder(folder)
        return cls(load_stock(folder, dtype), pixel_statistics(folder), name, size, frames, final_norm, batch)

    @property
    def encoder(self) -> nn.Module:
        """The encoder itself, without a wrapper."""
        found: nn.Module = getattr(self.model, "timm_model", self.model)
        return found

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The encoder's blocks, or stages."""
        return found_blocks(self.encoder, self.final_norm)

    @property
    def patch(self) -> int:
        """Pixels that a token spans in height and in width; 1 for a convolutional encoder, which has maps."""
        embed = getattr(self.encoder, "patch_embed", None)
        found = getattr(embed, "patch_size", None) or getattr(self.model.config, "patch_size", None) or 1
        return int(found if isinstance(found, int) else found[0])

    def pieces(self, frames: int) -> list[list[int]]:
        """Take frames by the batch."""
        return [[*range(k, min(k + self.batch, frames))] for k in range(0, frames, self.batch)]

    def slots(self, frames: int) -> list[list[int]]:
        """Give every frame a slot."""
        return [[frame] for frame in range(frames)]

    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Encode a batch of frames."""
        options = {"interpolate_pos_encoding": True} if self.resample else {}
        self.model(normalise(video[0], self.statistics), **options)

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Drop class and register tokens, which come first, and lay the others on the grid; a map is one already.

        Raises:
            ValueError: the block gives no token for each patch.
        """
        if output.ndim == 4:
            channels_last = getattr(self.encoder, "output_fmt", "NCHW") == "NHWC"
            return (output if channels_last else rearrange(output, "s d r c -> s r c d"))[None]
        rows, cols = (side // self.patch for side in self.size)
        if output.ndim != 3 or output.shape[1] < rows * cols:
            raise ValueError(
                f"{self.name} gave {tuple(output.shape)} where {rows} x {cols} tokens a frame were due: "
                "read another layer, or leave final_norm out"
            )
        grid: Tensor = rearrange(output[:, -rows * cols :], "s (r c) d -> 1 s r c d", r=rows)
        return grid

    def settings(self) -> Mapping[str, Any]:
        """Name the norm."""
        return {"final_norm": self.final_norm}


def found_blocks(encoder: nn.Module, final_norm: bool) -> list[nn.Module]:
    """Find the list of blocks of a stock encoder; with `final_norm`, the norm after them stands for the last.

    Raises:
        ValueError: there is none that is known.
    """
    kind = type(encoder).__name__
    lists = (reached(encoder, path) for path in BLOCKS)
    found = next((one for one in lists if isinstance(one, nn.ModuleList | nn.Sequential) and len(one)), None)
    if found is None:
        raise ValueError(f"{kind} keeps its blocks under none of the known names ({', '.join(BLOCKS)}): take another")
    if not final_norm:
        return list(found)
    norm = next((one for path in NORMS if (one := reached(encoder, path)) is not None), None)
    if norm is None or isinstance(norm, nn.Identity):
        raise ValueError(f"{kind} has no norm after its last block: leave final_norm out")
    return [*list(found)[:-1], norm]


def reached(module: nn.Module, path: str) -> Any:
    """Follow a dotted path of attributes; None where it ends early."""
    at: Any = module
    for name in path.split("."):
        at = getattr(at, name, None)
    return at
