"""A teacher that knows: exact signals from the truth of procedural worlds, for explicit distillation."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from distill.signals import CHANNELS, true_signals
from distill.teachers.teacher import Targets, TeacherSpec
from scenes.clip import Clip


class Oracle:
    """Targets are the truth. There are no latents and no decoder: the student needs trainable, training-only heads."""

    def __init__(self, frames: int, size: int, grid: int) -> None:
        self.grid = grid
        self._spec = TeacherSpec(frames, size, None, tuple(CHANNELS), decodes=False)

    @property
    def spec(self) -> TeacherSpec:
        """Sizes of inputs and outputs."""
        return self._spec

    @property
    def digest(self) -> str:
        """Hash of what determines the targets."""
        return f"oracle-{self.spec.frames}x{self.spec.size}-{self.grid}"

    def to(self, device: torch.device | str) -> Oracle:
        """Move to a device: there is nothing to move."""
        return self

    def encode(
        self, video: UInt8[Tensor, "batch time 3 height width"]
    ) -> Float[Tensor, "batch hook slot rows cols channel"]:
        """Refuse: an oracle has no features."""
        raise ValueError("the oracle has no latents: use explicit distillation with trainable heads")

    def decode(self, latents: Float[Tensor, "batch hook slot rows cols channel"]) -> dict[str, Tensor]:
        """Refuse: an oracle has no decoder."""
        raise ValueError("the oracle has no decoder: use explicit distillation with trainable heads")

    def targets(self, clip: Clip) -> Targets:
        """Take the exact signals of a clip of the size and length that was declared.

        Raises:
            ValueError: the clip has another size or length, or lacks the truth.
        """
        expected = (self.spec.frames, self.spec.size, self.spec.size)
        if (len(clip), *clip.size) != expected:
            raise ValueError(f"the oracle expects {expected} (time, height, width), got {(len(clip), *clip.size)}")
        return Targets(None, true_signals(clip, (self.grid, self.grid)))
