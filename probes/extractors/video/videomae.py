"""VideoMAE (arXiv 2203.12602): a video transformer on windows of the length it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.checkpoint_registry import checkpoint_folder
from probes.extractors.stock import load_stock, pixel_statistics
from probes.extractors.video.tubelets import TubeletExtractor
from probes.extractors.windowing import Windowing


class VideoMAEExtractor(TubeletExtractor):
    """The encoder of VideoMAE, read behind `encoder.layer[k]`; its positions fix the size and length of the input."""

    batched = True

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (224, 224),
        frames: int | None = 76,
        dtype: torch.dtype = torch.float16,
        windows: Windowing = "interleaved",
    ) -> VideoMAEExtractor:
        """Load a transformers checkpoint folder (MCG-NJU/videomae-base and others).

        Raises:
            FileNotFoundError: If the folder is missing or incomplete.
            ValueError: If it is the checkpoint of another model, or of another size.
        """
        folder = checkpoint_folder(folder)
        model = load_stock(folder, dtype, ["videomae"])
        side = model.config.image_size
        trained = (side, side) if isinstance(side, int) else tuple(side)
        if tuple(size) != trained:
            raise ValueError(
                f"{name} takes frames of {trained} pixels, because its positions are fixed; got {tuple(size)}"
            )
        return cls(model, pixel_statistics(folder), name, size, frames, windows, model.config.num_frames)

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

    def windows(self, frames: int) -> list[list[int]]:
        """Split the clip.

        Raises:
            ValueError: If a window does not have the number of frames that the model was trained with.
        """
        windows = super().windows(frames)
        if len(windows[0]) != self.length:
            raise ValueError(
                f"{self.name} takes {self.length} frames at a time, got {len(windows[0])}: "
                "set windows to consecutive or interleaved"
            )
        return windows

    def encode(self, video: Float[Tensor, "clip time 3 height width"]) -> None:
        """Run the model."""
        self.model(video)
