"""V-JEPA 2 (arXiv 2506.09985): a video transformer with rotary positions in time, height and width."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn

from probes.extractors.stock import load_stock, pixel_statistics
from probes.extractors.video.tubelets import TubeletExtractor
from probes.extractors.windowing import Windowing


class VJEPA2Extractor(TubeletExtractor):
    """The encoder of V-JEPA 2, read behind `encoder.layer[k]`; the predictor does not run.

    The forward of transformers accepts only square frames of `crop_size`, from which it derives the row and column of a
    token. Here each block gets the positions of its tokens explicitly; on square frames the output is the same, byte by
    byte.
    """

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (256, 256),
        frames: int | None = 64,
        dtype: torch.dtype = torch.float16,
        windows: Windowing = "whole",
        length: int | None = None,
    ) -> VJEPA2Extractor:
        """Load a transformers checkpoint folder (facebook/vjepa2-vitl-fpc64-256 and larger ones).

        Raises:
            FileNotFoundError: If the folder is missing or incomplete.
            ValueError: If it is the checkpoint of another model.
        """
        model = load_stock(folder, dtype, ["vjepa2"], crop_size=max(size))  # positions are counted on this square
        return cls(model, pixel_statistics(folder), name, size, frames, windows, length)

    @property
    def patch(self) -> int:
        """Patch size."""
        return int(self.model.config.patch_size)

    @property
    def tubelet(self) -> int:
        """Tubelet size."""
        return int(self.model.config.tubelet_size)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The encoder's blocks."""
        return list(self.model.encoder.layer)

    def encode(self, video: Float[Tensor, "clip time 3 height width"]) -> None:
        """Embed the tubelets and run the blocks."""
        tokens = self.model.encoder.embeddings(video)
        positions = self.positions(video.shape[1]).to(tokens.device)
        for block in self.model.encoder.layer:
            tokens = block(tokens, positions)[0]

    def positions(self, frames: int) -> Int64[Tensor, "1 token"]:
        """Number the tokens of a clip on the square grid that the blocks count on."""
        side = self.model.config.crop_size // self.patch
        rows, cols = (side_of_frame // self.patch for side_of_frame in self.size)
        square = rearrange(torch.arange(frames // self.tubelet * side**2), "(s r c) -> 1 s r c", r=side, c=side)
        numbers: Tensor = rearrange(square[:, :, :rows, :cols], "b s r c -> b (s r c)")
        return numbers
