"""V-JEPA 1 (arXiv 2404.08471), from the file that its authors publish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.encoders.checkpoint import load_vjepa1
from probes.extractors.stock import IMAGENET
from probes.extractors.video.tubelets import TubeletExtractor
from probes.extractors.windowing import Windowing


class VJEPA1Extractor(TubeletExtractor):
    """V-JEPA, read behind `blocks[k]`, before the last norm, as in the study (specs/vidfm3d.md 2.2)."""

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        name: str,
        size: Sequence[int] = (480, 832),
        frames: int | None = 76,
        dtype: torch.dtype = torch.float16,
        windows: Windowing = "interleaved",
        length: int | None = 16,
        file: str = "vith16-384.pth.tar",
        part: str = "target_encoder",
        trained: tuple[int, int] = (16, 384),
    ) -> VJEPA1Extractor:
        """Load `file` of a folder; see `load_vjepa1` for `part` and `trained`.

        Raises:
            FileNotFoundError: If the file is missing.
            ValueError: If it is the checkpoint of another model.
        """
        model = load_vjepa1(Path(folder) / file, part, (trained[0], trained[1]))
        return cls(model.to(dtype), torch.tensor(IMAGENET), name, size, frames, windows, length)

    @property
    def patch(self) -> int:
        """Patch size."""
        return int(self.model.patch)

    @property
    def tubelet(self) -> int:
        """Tubelet size."""
        return int(self.model.tubelet)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The encoder's blocks."""
        return list(self.model.blocks)

    def encode(self, video: Float[Tensor, "clip time 3 height width"]) -> None:
        """Run the transformer."""
        self.model(video)
