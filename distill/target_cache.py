"""Targets on disk: safetensors shards that several processes may fill together, keyed by clips, frames and teacher."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from jaxtyping import Float
from rich.progress import Progress
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from distill.signals import Signals
from distill.teachers.teacher import Targets, Teacher
from scenes.storage.cache_key import cache_key
from training.sr3d.questions import Clips

FORMAT = 1  # raise it when the same teacher makes other targets of the same clips: signals, teachers, heads changed
SHARD = 64  # clips in a file
NOTE = "target_cache"
WAIT = 0.5  # seconds between looks at shards that others are filling


class TargetCache(Sequence[Targets]):
    """The targets of all clips under one teacher; `cache[i]` reads those of clip i, and touches no other.

    Shards lie in a folder named by the clips (`key`: what determines them and their order), the teacher and
    FORMAT, in float16. `fill` may run in several processes at once and may be stopped: each takes shards that nobody
    holds, a file under its final name is complete, and a killed process gives its lock back.
    """

    def __init__(self, teacher: Teacher, clips: Clips, key: str, root: str | Path = "outputs/targets") -> None:
        self.teacher, self.clips = teacher, clips
        self.key = f"{key}-{cache_key('targets', FORMAT, teacher.digest)}"
        self.folder = Path(root) / self.key

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Targets:  # type: ignore[override]
        """Read the targets of one clip.

        Raises:
            FileNotFoundError: they are not computed yet.
            ValueError: the file is damaged or was made by another teacher or of other clips.
        """
        shard, row = divmod(index, SHARD)
        file = open_shard(self._path(shard), f"{self.key}/{shard}")
        parts = {name: file.get_slice(name)[row] for name in file.keys()}  # noqa: SIM118  (a method, not a mapping)
        latents: Float[Tensor, "..."] | None = parts.pop("latents", None)
        values = {name[7:]: value.float() for name, value in parts.items() if name.startswith("signal.")}
        valid = {name[6:]: value for name, value in parts.items() if name.startswith("valid.")}
        return Targets(None if latents is None else latents.float(), Signals(values, valid))

    def fill(self, device: torch.device | str = "cpu") -> None:
        """Compute missing shards, with a progress bar; return when all exist, whichever process computed them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.teacher.to(device)
        shards = range((len(self) + SHARD - 1) // SHARD)
        with Progress() as progress:
            bar = progress.add_task("targets of the teacher", total=len(shards))
            while missing := [shard for shard in shards if not self._is_whole(shard)]:
                progress.update(bar, completed=len(shards) - len(missing))
                made = 0
                for shard in missing:
                    made += self._try(shard)
                    progress.update(bar, completed=len(shards) - len(missing) + made)
                if not made:
                    time.sleep(WAIT)  # others hold all that is missing
            progress.update(bar, completed=len(shards))

    def _try(self, shard: int) -> bool:
        """Make a shard, unless another process is at it."""
        try:
            with FileLock(self._path(shard).with_suffix(".lock"), timeout=0):
                if not self._is_whole(shard):
                    for left in self.folder.glob(f"{self._path(shard).stem}.*.tmp"):  # of a killed process
                        left.unlink()
                    self._write(shard)
        except Timeout:
            return False
        return True

    def _path(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:06d}.safetensors"

    def _is_whole(self, shard: int) -> bool:
        try:
            open_shard(self._path(shard), f"{self.key}/{shard}")
        except (FileNotFoundError, ValueError):
            return False
        return True

    def _write(self, shard: int) -> None:
        clips = range(shard * SHARD, min((shard + 1) * SHARD, len(self)))
        made = [self.teacher.targets(self.clips[i]) for i in clips]
        tensors: dict[str, Tensor] = {}
        if made[0].latents is not None:
            tensors["latents"] = to_half(torch.stack([one.latents for one in made if one.latents is not None]))
        for name in made[0].signals.values:
            tensors[f"signal.{name}"] = to_half(torch.stack([one.signals.values[name] for one in made]))
            tensors[f"valid.{name}"] = torch.stack([one.signals.valid[name] for one in made])
        tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
        unfinished = self._path(shard).with_suffix(f".{os.getpid()}.tmp")
        try:
            save_file(tensors, unfinished, {NOTE: f"{self.key}/{shard}"})
            unfinished.replace(self._path(shard))
        finally:
            unfinished.unlink(missing_ok=True)


def open_shard(path: Path, key: str) -> Any:
    """Open a shard, if it is what `key` says.

    Raises:
        FileNotFoundError: the shard does not exist yet.
        ValueError: the file is damaged, or holds other targets.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist yet: fill the target cache first")
    return _open_shard(path, key, path.stat().st_mtime_ns)


@cache
def _open_shard(path: Path, key: str, changed: int) -> Any:
    try:
        file = safe_open(path, "pt")
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}): remove it and fill the target cache again") from error
    found = (file.metadata() or {}).get(NOTE, "something else")
    if found != key:
        raise ValueError(f"{path} holds targets {found}, not {key}: remove it and fill the target cache again")
    return file


def to_half(values: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Convert to float16.

    Raises:
        ValueError: a value is not finite in float16.
    """
    half = values.half()
    if not bool(half.isfinite().all()):
        raise ValueError(f"targets up to {values.abs().max():.3g} do not fit float16, or are not finite")
    return half
