"""VideoPrism (arXiv 2402.13217): one transformer over the patches of a frame, then one over the frames of a patch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from probes.extractors.stock import load_stock
from probes.extractors.video.tubelets import TubeletExtractor
from probes.extractors.windowing import Windowing

UNCHANGED = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))  # mean and deviation: pixels stay in 0 to 1, as it was trained


class VideoPrismExtractor(TubeletExtractor):
    """The encoder of VideoPrism; layers count the spatial blocks first, then the temporal ones; a slot is one frame.

    Behind a spatial block a token has seen its own frame alone. Positions are interpolated to other sizes and lengths.
    """

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (288, 288),
        frames: int | None = 76,
        dtype: torch.dtype = torch.float16,
        windows: Windowing = "interleaved",
        length: int | None = 16,
    ) -> VideoPrismExtractor:
        """Load a transformers checkpoint folder (google/videoprism-base-f16r288, -large-f8r288).

        Raises:
            FileNotFoundError: If the folder is missing or incomplete.
            ValueError: If it is the checkpoint of another model, such as one with a text encoder.
        """
        model = load_stock(folder, dtype, ["videoprism_vision_model"])
        return cls(model, torch.tensor(UNCHANGED), name, size, frames, windows, length)

    @property
    def patch(self) -> int:
        """Patch size."""
        return int(self.model.config.tubelet_size[1])

    @property
    def tubelet(self) -> int:
        """Frames of a token: one."""
        return int(self.model.config.tubelet_size[0])

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The spatial blocks, then the temporal ones."""
        return [*self.model.spatial_layers, *self.model.temporal_layers]

    def windows(self, frames: int) -> list[list[int]]:
        """Split the clip.

        Raises:
            ValueError: If a window has as many frames as a frame has patches, which leaves open what tokens are.
        """
        windows = super().windows(frames)
        if len(windows[0]) == self._patches:
            raise ValueError(
                f"{self.name} takes windows of {len(windows[0])} frames with as many patches: change size or length"
            )
        return windows

    def encode(self, video: Float[Tensor, "clip time 3 height width"]) -> None:
        """Embed the patches of all frames, run the spatial blocks, then the temporal ones, as the stock forward does.

        It interpolates positions in the type of the weights, which torch does not do in float16 on a CPU.
        """
        spatial, temporal = self.model.spatial_embeddings, self.model.temporal_embeddings
        tokens = spatial.patch_embeddings(video, True)
        tokens = tokens + self.positions_in_frame(spatial.position_embeddings)
        for block in self.model.spatial_layers:
            tokens = block(tokens)
        tokens = rearrange(self.model.layernorm1(tokens), "(b s) p d -> (b p) s d", b=len(video))
        tokens = tokens + positions_in_time(temporal.position_embeddings, video.shape[1])
        for block in self.model.temporal_layers:
            tokens = block(tokens)

    def positions_in_frame(self, table: Float[Tensor, "1 place channel"]) -> Float[Tensor, "1 patch channel"]:
        """Interpolate the positions of a square of patches to those of a frame."""
        side = int(self.model.config.image_size) // self.patch
        grid = (self.size[0] // self.patch, self.size[1] // self.patch)
        if grid == (side, side):
            return table
        square = rearrange(table.float(), "1 (r c) d -> 1 d r c", r=side)
        scaled = interpolate(square, grid, mode="bilinear", antialias=True)
        positions: Tensor = rearrange(scaled, "1 d r c -> 1 (r c) d").to(table.dtype)
        return positions

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Reshape tokens to the grid: spatial blocks have those of each frame, temporal ones those of each patch."""
        rows = self.size[0] // self.patch
        of_frames = "(b s) (r c) d -> b s r c d" if output.shape[1] == self._patches else "(b r c) s d -> b s r c d"
        cols = self.size[1] // self.patch
        grid: Tensor = rearrange(output, of_frames, b=1, r=rows, c=cols)
        return grid

    @property
    def _patches(self) -> int:
        rows, cols = (side // self.patch for side in self.size)
        return rows * cols


def positions_in_time(table: Float[Tensor, "1 frame channel"], frames: int) -> Float[Tensor, "1 time channel"]:
    """Interpolate the positions of frames to another number of them."""
    if table.shape[1] == frames:
        return table
    scaled = interpolate(table.float()[:, None], (frames, table.shape[2]), mode="bilinear", antialias=True)
    return scaled[:, 0].to(table.dtype)
