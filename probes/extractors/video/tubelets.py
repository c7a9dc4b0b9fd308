"""The base of noise-free video transformers: tubelets of frames become tokens, time first, then rows, columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.extractor import Extractor, tubelet_slots
from probes.extractors.noise import Noise
from probes.extractors.stock import normalise
from probes.extractors.windowing import Windowing, split


class TubeletExtractor(Extractor):
    """A video transformer on tubelets; a slot encodes the frames of a tubelet.

    Args:
        model: the transformer.
        statistics: mean and standard deviation of pixels.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        windows: how a clip is split, see `split`.
        length: frames per window; None for the whole clip.
    """

    statistics: Tensor

    def __init__(
        self,
        model: nn.Module,
        statistics: Float[Tensor, "2 3"],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        windows: Windowing = "whole",
        length: int | None = None,
    ) -> None:
        super().__init__(name, size, frames)
        self.model: Any = model.eval()  # its config is not typed
        self.windowing, self.length = windows, length
        self.register_buffer("statistics", statistics)
        if any(side % self.patch for side in self.size):
            raise ValueError(f"{name} needs a height and width that its patch of {self.patch} divides, got {self.size}")

    @property
    @abstractmethod
    def patch(self) -> int:
        """Pixels that a token spans in height and in width."""

    @property
    @abstractmethod
    def tubelet(self) -> int:
        """Frames that a token spans."""

    @abstractmethod
    def encode(self, video: Float[Tensor, "clip time 3 height width"]) -> None:
        """Run the transformer once on normalised frames of one clip, or of several if it is `batched`."""

    def windows(self, frames: int) -> list[list[int]]:
        """Split the clip.

        Raises:
            ValueError: If the windows or tubelets do not use every frame.
        """
        windows = split(frames, self.windowing, self.length)
        tubelet_slots(len(windows[0]), self.tubelet)  # refuse a wrong length before the forward, not after it
        return windows

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames by tubelets."""
        return tubelet_slots(frames, self.tubelet)

    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Normalise and encode."""
        self.encode(normalise(video, self.statistics))

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Reshape tokens to the grid: time first, then rows, then columns."""
        grid: Tensor = rearrange(
            output, "b (s r c) d -> b s r c d", s=frames // self.tubelet, r=self.size[0] // self.patch
        )
        return grid

    def settings(self) -> Mapping[str, Any]:
        """List the windowing."""
        return {"pieces": self.windowing, "length": self.length}
