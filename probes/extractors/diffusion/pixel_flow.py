"""A video diffusion transformer on pixels: the one that `experiment=encoders/video_flow` trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import WanTransformer3DModel

from models.checkpoint_registry import checkpoint_folder
from probes.extractors.diffusion.latent_diffusion import load_part
from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.extractor import tubelet_slots


class PixelFlowExtractor(WanExtractor):
    """WAN's transformer without an autoencoder; a slot encodes the frames of a tubelet."""

    batched = True

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (64, 64),
        frames: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> PixelFlowExtractor:
        """Load a folder with the transformer's configuration and weights.

        Raises:
            FileNotFoundError: If the folder has no transformer.
            ValueError: If it is the checkpoint of another model.
        """
        transformer = load_part(WanTransformer3DModel, checkpoint_folder(folder), "", torch_dtype=dtype)
        text = torch.zeros(1, 1, transformer.config.text_dim, dtype=dtype)
        return cls(transformer, None, {"encoder_hidden_states": text}, name, size, frames)

    @property
    def cell(self) -> int:
        """Patch of the transformer."""
        return int(self.transformer.config.patch_size[1])

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames by tubelets."""
        return tubelet_slots(frames, self.transformer.config.patch_size[0])
