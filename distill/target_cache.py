"""Targets on disk: what a teacher makes of each clip, keyed by clips, frames and teacher."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from distill.signals import Signals
from distill.teachers.teacher import Targets, Teacher
from scenes.storage.cache_key import cache_key
from scenes.storage.shards import ShardStore
from training.sr3d.questions import Clips

FORMAT = 1  # raise it when the same teacher makes other targets of the same clips: signals, teachers, heads changed
SHARD = 64  # clips in a file


class TargetCache(ShardStore[Targets], Sequence[Targets]):
    """The targets of all clips under one teacher; `cache[i]` reads those of clip i, and touches no other.

    Its folder is named by the clips (`key`: what determines them and their order), the teacher and FORMAT. Targets are
    kept in float16.
    """

    work = "targets of the teacher"
    method = "fill"

    def __init__(self, teacher: Teacher, clips: Clips, key: str, root: str | Path = "outputs/targets") -> None:
        self.teacher, self.clips = teacher, clips
        key = f"{key}-{cache_key('targets', FORMAT, teacher.digest)}"
        super().__init__(key, range(len(clips)), Path(root), SHARD)

    def fill(self, device: torch.device | str = "cpu") -> None:
        """Compute missing shards on a device; return when all exist, whichever process computed them.

        The teacher is on the device only while shards are computed, and on the CPU afterwards.
        """
        if not self._missing():
            return
        self.teacher.to(device)
        try:
            self.render(workers=1)
        finally:
            self.teacher.to("cpu")

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        """Compute the targets of these clips; the last shard may be shorter than the others."""
        return pack([self.teacher.targets(self.clips[i]) for i in seeds if i < len(self)]), None

    def read(self, file: Any, row: int, seed: int) -> Targets:
        """Read the targets of one clip."""
        return unpack(file, row)


def pack(made: Sequence[Targets]) -> dict[str, Tensor]:
    """Stack the targets of clips as the tensors of a file, values in float16.

    Raises:
        ValueError: a value is not finite in float16.
    """
    tensors: dict[str, Tensor] = {}
    if made[0].latents is not None:
        tensors["latents"] = to_half(torch.stack([one.latents for one in made if one.latents is not None]))
    for name in made[0].signals.values:
        tensors[f"signal.{name}"] = to_half(torch.stack([one.signals.values[name] for one in made]))
        tensors[f"valid.{name}"] = torch.stack([one.signals.valid[name] for one in made])
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def unpack(file: Any, row: int) -> Targets:
    """Read the targets of one clip from an open file that `pack` made, in float32."""
    parts = {name: file.get_slice(name)[row] for name in file.keys()}  # noqa: SIM118  (a method, not a mapping)
    latents: Float[Tensor, "..."] | None = parts.pop("latents", None)
    values = {name[7:]: value.float() for name, value in parts.items() if name.startswith("signal.")}
    valid = {name[6:]: value for name, value in parts.items() if name.startswith("valid.")}
    return Targets(None if latents is None else latents.float(), Signals(values, valid))


def to_half(values: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Convert to float16.

    Raises:
        ValueError: a value is not finite in float16.
    """
    half = values.half()
    if not bool(half.isfinite().all()):
        raise ValueError(f"targets up to {values.abs().max():.3g} do not fit float16, or are not finite")
    return half
