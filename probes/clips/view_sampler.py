"""Sampling of the frames that a probe sees: drawn anew in training, fixed per clip in evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from probes.clips.seeding import clip_generator


@dataclass(frozen=True)
class ViewSampler:
    """Draw views from the first `context` frames: always frame 0, the others at least `gap` frames apart.

    The slack that the minimum gaps leave is divided at `views - 1` uniform, independent points; the last part is
    unused. Frames are then rounded down to the nearest 1 + k * `stride`, the first frame of a slot of a causal video
    autoencoder, so that few distinct frames can occur (`reachable`: 0, 5, 9, ..., 73 by default). Source: the published
    sampler, specs/vidfm3d.md section 2.2.

    Args:
        views: number of views of a clip.
        context: number of frames, from the first on, that every model uses.
        gap: minimum difference of neighbours before rounding; must not be less than the stride.
        stride: frames of a slot; 1 disables rounding.
    """

    views: int = 4
    context: int = 76
    gap: int = 5
    stride: int = 4

    def __post_init__(self) -> None:
        if self.views < 1 or not 1 <= self.stride <= self.gap:
            raise ValueError(f"need 1 view or more, and 1 <= stride <= gap for distinct frames; got {self}")
        if self.slack < 0:
            raise ValueError(
                f"{self.views} views with gaps of {self.gap} need {self.context - self.slack} frames, the context has "
                f"{self.context}"
            )

    @property
    def slack(self) -> int:
        """Number of frames to distribute among the gaps."""
        return self.context - 1 - (self.views - 1) * self.gap

    def draw(self, generator: torch.Generator) -> list[int]:
        """Draw the frames of one sample, in order."""
        cuts = torch.randint(0, self.slack + 1, (self.views - 1,), generator=generator).sort().values
        return [0, *(self._down(self.gap * k + int(cut)) for k, cut in enumerate(cuts, 1))]

    def fixed(self, name: str, seed: int = 0) -> list[int]:
        """Draw the frames of a clip for evaluation, from its name and the seed alone."""
        return self.draw(clip_generator(name, seed))

    def reachable(self) -> list[int]:
        """List all frames that can ever be drawn, in order: those that a feature store has to keep."""
        later = (self.gap * k + cut for k in range(1, self.views) for cut in range(self.slack + 1))
        return sorted({0, *map(self._down, later)})

    def _down(self, frame: int) -> int:
        return 1 + (frame - 1) // self.stride * self.stride
