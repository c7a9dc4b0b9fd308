"""Raw pixels in patches: the baseline of a probe without any model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from probes.extractors.extractor import Extractor, tubelet_slots, whole_clip
from probes.extractors.noise import Noise


class PixelExtractor(Extractor):
    """Patches of `patch` x `patch` pixels and `tubelet` frames, values in -1 to 1."""

    batched = True

    def __init__(self, name: str, size: Sequence[int], patch: int, tubelet: int = 1, frames: int | None = None) -> None:
        super().__init__(name, size, frames)
        self.patch, self.tubelet = patch, tubelet
        self.patches = nn.Identity()
        self.register_parameter("where", nn.Parameter(torch.zeros(()), requires_grad=False))  # carries device and dtype

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """One block: the patches."""
        return [self.patches]

    def windows(self, frames: int) -> list[list[int]]:
        """Run the whole clip in one forward."""
        return whole_clip(frames)

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames by tubelets."""
        return tubelet_slots(frames, self.tubelet)

    def settings(self) -> dict[str, int]:
        """List the size of a patch."""
        return {"patch": self.patch, "tubelet": self.tubelet}

    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Split the video into patches."""
        self.patches(
            rearrange(
                2 * video - 1, "b (s t) c (r y) (q x) -> b s r q (t y x c)", t=self.tubelet, y=self.patch, x=self.patch
            )
        )

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Return the patches, which are on the grid already."""
        return output
