"""The oracle teacher: exact signals of procedural worlds, for explicit distillation."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from distill.signals import CHANNELS, true_signals
from distill.teachers.teacher import Targets, TeacherSpec
from scenes.clip import Clip


class Oracle:
    """A teacher whose targets are the truth. It has no latents and no decoder: the student needs training-only heads.

    Args:
        frames: frames of a clip.
        size: height and width of a frame in pixels.
        grid: rows and columns of the ray signal.
    """

    def __init__(self, frames: int, size: int, grid: int) -> None:
        self.grid = grid
        self._spec = TeacherSpec(frames, size, None, tuple(CHANNELS), decodes=False, sees_truth=True)

    @property
    def spec(self) -> TeacherSpec:
        """Sizes of inputs and outputs."""
        return self._spec

    @property
    def digest(self) -> str:
        """Identifier of everything that determines the targets."""
        return f"oracle-{self.spec.frames}x{self.spec.size}-{self.grid}"

    @property
    def heads(self) -> None:
        """There is no decoder."""

    def to(self, device: torch.device | str) -> Oracle:
        """Return itself: there is nothing to move."""
        return self

    def encode(
        self, video: UInt8[Tensor, "batch time 3 height width"]
    ) -> Float[Tensor, "batch hook slot rows cols channel"]:
        """Raise ValueError: an oracle has no latents."""
        raise ValueError("the oracle has no latents: use explicit distillation with trainable heads")

    def decode(self, latents: Float[Tensor, "batch hook slot rows cols channel"]) -> dict[str, Tensor]:
        """Raise ValueError: an oracle has no decoder."""
        raise ValueError("the oracle has no decoder: use explicit distillation with trainable heads")

    def targets(self, clip: Clip) -> Targets:
        """Return the exact signals of a clip.

        Raises:
            ValueError: the size or length of the clip is not that of the oracle, or the clip lacks the truth.
        """
        expected = (self.spec.frames, self.spec.size, self.spec.size)
        if (len(clip), *clip.size) != expected:
            raise ValueError(
                f"the oracle expects clips of {expected} (time, height, width), got {(len(clip), *clip.size)}: set its "
                "frames and size"
            )
        return Targets(None, true_signals(clip, (self.grid, self.grid)))
