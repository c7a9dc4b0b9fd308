"""The interface of a teacher, and its targets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor, nn

from distill.signals import Signals
from scenes.clip import Clip


@dataclass(frozen=True)
class TeacherSpec:
    """Sizes of a teacher's inputs and outputs.

    The input has `frames` frames of `size` x `size` pixels. `latent` is (hooks, slots, rows, cols, channels) of its
    latents, or None. `signals` names the signals of its targets, at the input's size (rays: on the latents' grid).
    `decodes` tells whether its decoder can decode a student's latents. `sees_truth`: its targets come from the truth of
    procedural worlds, not from frames.
    """

    frames: int
    size: int
    latent: tuple[int, int, int, int, int] | None
    signals: tuple[str, ...]
    decodes: bool = True
    sees_truth: bool = False


@dataclass(frozen=True)
class Targets:
    """The targets of one clip: latents (None if the teacher has none) and signals."""

    latents: Float[Tensor, "hook slot rows cols channel"] | None
    signals: Signals


@dataclass  # not frozen: Lightning converts the tensors of a batch in place
class TargetBatch:
    """The targets of a batch of clips, stacked; `values` and `valid` are by signal, as in `Signals`.

    `rows` are the rows of the training batch that the clips are in; None where every row is one, in this order.
    """

    latents: Float[Tensor, "batch hook slot rows cols channel"] | None
    values: dict[str, Float[Tensor, "batch time _ _ _"]]
    valid: dict[str, Bool[Tensor, "batch time 1 _ _"]]
    rows: Int64[Tensor, "batch"] | None = None

    @classmethod
    def stack(cls, targets: Sequence[Targets]) -> TargetBatch:
        """Stack the targets of several clips from one teacher."""
        latents = [clip.latents for clip in targets if clip.latents is not None]
        signals = [clip.signals for clip in targets]
        return cls(
            torch.stack(latents) if latents else None,
            {name: torch.stack([clip.values[name] for clip in signals]) for name in signals[0].values},
            {name: torch.stack([clip.valid[name] for clip in signals]) for name in signals[0].valid},
        )

    def __len__(self) -> int:
        """Count the clips."""
        return len(next(each for each in (self.latents, *self.values.values()) if each is not None))

    def to(self, device: torch.device | str) -> TargetBatch:
        """Move to a device; Lightning calls this for every batch."""
        return TargetBatch(
            None if self.latents is None else self.latents.to(device),
            {name: value.to(device) for name, value in self.values.items()},
            {name: value.to(device) for name, value in self.valid.items()},
            None if self.rows is None else self.rows.to(device),
        )

    def first(self, count: int) -> TargetBatch:
        """Keep the first `count` clips."""
        return TargetBatch(
            None if self.latents is None else self.latents[:count],
            {name: value[:count] for name, value in self.values.items()},
            {name: value[:count] for name, value in self.valid.items()},
            None if self.rows is None else self.rows[:count],
        )


@runtime_checkable
class Teacher(Protocol):
    """A frozen source of targets.

    `decode` has frozen parameters but is differentiable in the latents, so that explicit distillation can train the
    student. `digest` identifies the weights, so that cached targets of another teacher are never used.
    """

    @property
    def spec(self) -> TeacherSpec:
        """Sizes of inputs and outputs."""

    @property
    def digest(self) -> str:
        """Hash of everything that determines the targets."""

    @property
    def heads(self) -> nn.Module | None:
        """All that `decode` needs on a device; None where there is no decoder."""

    def to(self, device: torch.device | str) -> Teacher:
        """Move to a device, and return itself."""

    def encode(
        self, video: UInt8[Tensor, "batch time 3 height width"]
    ) -> Float[Tensor, "batch hook slot rows cols channel"]:
        """Encode frames to latents, without gradients."""

    def decode(self, latents: Float[Tensor, "batch hook slot rows cols channel"]) -> dict[str, Tensor]:
        """Decode latents, the teacher's or a student's, to raw signals (batch, time, channel, height, width)."""

    def targets(self, clip: Clip) -> Targets:
        """Compute the targets of one clip; they may be cached on disk."""


def digest_of(settings: object, *modules: nn.Module) -> str:
    """Hash settings and weights to 16 hexadecimal digits that identify a teacher."""
    digest = hashlib.sha256(repr(settings).encode())
    for module in modules:
        for name, value in sorted(module.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


@torch.no_grad()
def decoded_targets(teacher: Teacher, clip: Clip, device: torch.device) -> Targets:
    """Compute the targets of a clip by encoding and decoding it; frames of another size are resized.

    All predictions are valid, except the flow of the first frame, which does not exist.
    """
    latents = teacher.encode(resize_frames(clip.video.to(device), teacher.spec.size)[None])
    values = {name: value[0].float().cpu() for name, value in teacher.decode(latents).items()}
    return Targets(latents[0].float().cpu(), predicted_signals(values))


def resize_frames(video: UInt8[Tensor, "time 3 height width"], side: int) -> UInt8[Tensor, "time 3 side side"]:
    """Resize frames to squares, antialiased."""
    if video.shape[-2:] == (side, side):
        return video
    resized = F.interpolate(video.float(), (side, side), mode="bilinear", antialias=True, align_corners=False)
    return resized.round().clamp(0, 255).to(torch.uint8)


def predicted_signals(values: dict[str, Tensor]) -> Signals:
    """Mark all predictions as valid, except the backward flow of the first frame."""
    valid = {name: torch.ones_like(value[:, :1], dtype=torch.bool) for name, value in values.items()}
    if "flow" in valid:
        valid["flow"][0] = False
    return Signals(values, valid)
