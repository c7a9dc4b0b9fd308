"""Fast3R (arXiv 2501.13928): all frames of a clip at once, as views of one scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn

from models.encoders.checkpoint import load_fast3r
from models.encoders.fast3r import INDICES, Fast3R
from probes.extractors.extractor import Extractor, whole_clip
from probes.extractors.noise import Noise


class Fast3RExtractor(Extractor):
    """Fast3R, read behind the blocks of its fusion transformer; a slot is one frame, which attends to all others.

    Args:
        model: Fast3R without its heads.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        final_norm: whether the last layer is read after the last norm, as in the published study (its "decoder output
            24").
        index_seed: seed of the image indices. Frame 0 has index 0; the others draw theirs from 1 to 999 without
            repetition, as in training and in the study (which does not seed them); None numbers the frames in order.
    """

    def __init__(
        self,
        model: Fast3R,
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        final_norm: bool = True,
        index_seed: int | None = 0,
    ) -> None:
        super().__init__(name, size, frames)
        self.model = model.eval()
        self.final_norm, self.index_seed = final_norm, index_seed
        if any(side % model.patch for side in self.size):
            raise ValueError(
                f"{name} needs a height and width that its patch of {model.patch} divides, got {self.size}"
            )

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (288, 512),
        frames: int | None = None,
        dtype: torch.dtype = torch.bfloat16,
        final_norm: bool = True,
        index_seed: int | None = 0,
    ) -> Fast3RExtractor:
        """Load the published folder (jedyang97/Fast3R_ViT_Large_512).

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If it is the checkpoint of another model.
        """
        return cls(load_fast3r(folder).to(dtype), name, size, frames, final_norm, index_seed)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The blocks of the fusion transformer; with `final_norm`, the norm after them replaces the last."""
        blocks = list(self.model.fusion)
        return [*blocks[:-1], self.model.fusion_norm] if self.final_norm else blocks

    def windows(self, frames: int) -> list[list[int]]:
        """Run the whole clip in one forward.

        Raises:
            ValueError: If the clip has more frames than there are image indices.
        """
        if frames > INDICES:
            raise ValueError(
                f"{self.name} has indices for {INDICES} images, the clip has {frames} frames: set `frames`"
            )
        return whole_clip(frames)

    def slots(self, frames: int) -> list[list[int]]:
        """Give every frame its own slot."""
        return [[frame] for frame in range(frames)]

    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Run the model on pixels in -1 to 1."""
        self.model(2 * video[0] - 1, self.indices(video.shape[1]).to(video.device))

    def indices(self, views: int) -> Int64[Tensor, "view"]:
        """Draw the image index of every view."""
        if self.index_seed is None:
            return torch.arange(views)
        others = torch.randperm(INDICES - 1, generator=torch.Generator().manual_seed(self.index_seed))[: views - 1] + 1
        return torch.cat([torch.zeros(1, dtype=torch.long), others])

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Reshape tokens to the grid: view first, then rows, then columns."""
        rows, cols = (side // self.model.patch for side in self.size)
        grid: Tensor = rearrange(output, "b (s r c) d -> b s r c d", s=frames, r=rows, c=cols)
        return grid

    def settings(self) -> Mapping[str, Any]:
        """List the norm and the seed of the indices."""
        return {"final_norm": self.final_norm, "index_seed": self.index_seed}
