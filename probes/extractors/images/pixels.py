"""Raw pixels, cut into patches: what a probe can read without any model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.extractor import Extractor, tubelet_slots, whole_clip
from probes.extractors.noise import Noise


class PixelExtractor(Extractor):
    """Patches of `patch` x `patch` pixels of `tubelet` frames, values in -1 to 1."""

    batched = True

    def __init__(self, name: str, size: Sequence[int], patch: int, tubelet: int = 1, frames: int | None = None) -> None:
        super().__init__(name, size, frames)
        self.patch, self.tubelet = patch, tubelet
        self.cut = nn.Identity()
        self.register_parameter("where", nn.Parameter(torch.zeros(()), requires_grad=False))  # device and type

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """One: the pixels."""
        return [self.cut]

    def pieces(self, frames: int) -> list[list[int]]:
        """Take the clip whole."""
        return whole_clip(frames)

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames by tubelets."""
        return tubelet_slots(frames, self.tubelet)

    def settings(self) -> dict[str, int]:
        """Name what determines the features."""
        return {"patch": self.patch, "tubelet": self.tubelet}

    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Cut."""
        self.cut(
            rearrange(
                2 * video - 1, "b (s t) c (r y) (q x) -> b s r q (t y x c)", t=self.tubelet, y=self.patch, x=self.patch
            )
        )

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Give them as they lie."""
        return output
