"""Image encoders, applied frame by frame: DINO, SigLIP and other models of transformers and timm."""

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

# attribute paths of the list of blocks, and of the norm after the last block
BLOCKS = (
    *("encoder.layer", "encoder.layers", "encoder.stages", "model.layer", "model.stages"),
    *("layers", "layer", "blocks", "stages"),
)
NORMS = ("layernorm", "post_layernorm", "layer_norm", "norm")


class ImageExtractor(Extractor):
    """An image encoder on single frames: a slot is one frame. Class and register tokens are dropped.

    Layer k is the output of block k, before any norm. With `final_norm`, the last layer is the output of the model's
    last norm: `last_hidden_state`, which the published study reads of DINOv2 (specs/vidfm3d.md 2.2). The blocks of a
    convolutional encoder are its stages, each with its own grid.

    Args:
        model: the encoder.
        statistics: mean and standard deviation of pixels.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        final_norm: whether the last layer is read after the last norm.
        batch: frames per forward; it changes rounding at most.
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
        self.model: Any = getattr(model, "vision_model", model).eval()  # the image side of an image-text model
        self.final_norm, self.batch = final_norm, batch
        self.register_buffer("statistics", statistics)
        if any(side % self.patch for side in self.size):
            raise ValueError(f"{name} needs a height and width that its patch of {self.patch} divides, got {self.size}")
        if resize := getattr(self.encoder, "set_input_size", None):  # timm: resamples position embeddings
            resize(img_size=self.size)
        arguments = inspect.signature(self.model.forward).parameters
        if "spatial_shapes" in arguments:
            raise ValueError(f"{name} takes lists of patches (NaFlex), not images: choose a model of fixed resolution")
        self.resample = "interpolate_pos_encoding" in arguments  # transformers: the same, on request
        find_blocks(self.encoder, final_norm)  # fail early if there are none

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
            FileNotFoundError: If the folder is missing or incomplete.
            ValueError: If the model has no blocks that can be read.
        """
        folder = checkpoint_folder(folder)
        return cls(load_stock(folder, dtype), pixel_statistics(folder), name, size, frames, final_norm, batch)

    @property
    def encoder(self) -> nn.Module:
        """The encoder itself, without a wrapper."""
        encoder: nn.Module = getattr(self.model, "timm_model", self.model)
        return encoder

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The encoder's blocks, or stages."""
        return find_blocks(self.encoder, self.final_norm)

    @property
    def patch(self) -> int:
        """Pixels that a token spans in height and in width; 1 for a convolutional encoder, which has maps."""
        embed = getattr(self.encoder, "patch_embed", None)
        patch = getattr(embed, "patch_size", None) or getattr(self.model.config, "patch_size", None) or 1
        return int(patch if isinstance(patch, int) else patch[0])

    def windows(self, frames: int) -> list[list[int]]:
        """Group frames into batches."""
        return [[*range(k, min(k + self.batch, frames))] for k in range(0, frames, self.batch)]

    def slots(self, frames: int) -> list[list[int]]:
        """Give every frame its own slot."""
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
        """Drop class and register tokens, which come first, and reshape the others to the grid; a map is one already.

        Raises:
            ValueError: If the block does not return a token for each patch.
        """
        if output.ndim == 4:
            channels_last = getattr(self.encoder, "output_fmt", "NCHW") == "NHWC"
            return (output if channels_last else rearrange(output, "s d r c -> s r c d"))[None]
        rows, cols = (side // self.patch for side in self.size)
        if output.ndim != 3 or output.shape[1] < rows * cols:
            raise ValueError(
                f"a block of {self.name} returned shape {tuple(output.shape)}, expected {rows} x {cols} tokens a "
                "frame: read another layer, or leave final_norm out"
            )
        grid: Tensor = rearrange(output[:, -rows * cols :], "s (r c) d -> 1 s r c d", r=rows)
        return grid

    def settings(self) -> Mapping[str, Any]:
        """List the choice of the norm."""
        return {"final_norm": self.final_norm}


def find_blocks(encoder: nn.Module, final_norm: bool) -> list[nn.Module]:
    """Find the list of blocks of an encoder; with `final_norm`, the norm after them replaces the last.

    Raises:
        ValueError: If no known attribute holds the blocks, or the norm.
    """
    kind = type(encoder).__name__
    candidates = (resolve(encoder, path) for path in BLOCKS)
    blocks = next((x for x in candidates if isinstance(x, nn.ModuleList | nn.Sequential) and len(x)), None)
    if blocks is None:
        raise ValueError(
            f"{kind} keeps its blocks under none of the known names ({', '.join(BLOCKS)}): choose another encoder"
        )
    if not final_norm:
        return list(blocks)
    norm = next((module for path in NORMS if (module := resolve(encoder, path)) is not None), None)
    if norm is None or isinstance(norm, nn.Identity):
        raise ValueError(f"{kind} has no norm after its last block: leave final_norm out")
    return [*list(blocks)[:-1], norm]


def resolve(module: nn.Module, path: str) -> Any:
    """Follow a dotted path of attributes; None where one is missing."""
    value: Any = module
    for name in path.split("."):
        value = getattr(value, name, None)
    return value
