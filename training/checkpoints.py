"""Checkpoints of trainings: written in one step, and checked before a training continues from one."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.loggers import Logger

from scenes.storage.atomic import new_file
from training.finite import refuse_nan_weights
from training.metrics_log import ROW

LAST = "last.ckpt"
NEEDED = {"state_dict", "optimizer_states", "loops", "global_step"}


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, waits for the disk and renames, so that no half file has the name of a checkpoint.

    Lightning writes to the scratch folder and moves; on another file system, the move is a copy that can be cut.
    Metrics up to the checkpoint are saved before it, so that a training that continues from it has them all.
    """

    def __init__(self, loggers: Sequence[Logger] = ()) -> None:
        self.loggers = loggers

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Write a checkpoint; where the disk is full, or weights are not numbers, what was at `path` stays."""
        refuse_nan_weights(checkpoint.get("state_dict", {}), int(checkpoint.get("global_step", 0)))
        for logger in self.loggers:
            logger.save()
        with new_file(path) as draft, draft.open("wb") as file:
            torch.save(checkpoint, file)


@dataclass(frozen=True)
class Found:
    """The checkpoint to continue from, its number of optimizer steps, and the newer ones that are damaged."""

    path: Path
    step: int
    damaged: tuple[Path, ...]


def find_checkpoint(folder: Path) -> Found | None:
    """Find the newest whole checkpoint: `last.ckpt`, else the one with the most steps in its name; else None.

    Raises:
        ValueError: there are checkpoints, and all are damaged.
    """
    there = [path for path in folder.glob("*.ckpt") if not path.name.startswith(".")]
    there.sort(key=lambda path: (path.name == LAST, _steps_in(path.name)), reverse=True)
    damaged: list[Path] = []
    for path in there:
        step = read_step(path)
        if step is not None:
            return Found(path, step, tuple(damaged))
        damaged.append(path)
    if damaged:
        raise ValueError(
            f"{' and '.join(map(str, damaged))} cannot be read (cut or damaged), and no other checkpoint is there; "
            f"remove {folder} to train from the start"
        )
    return None


def read_step(path: Path) -> int | None:
    """Read the number of optimizer steps of a checkpoint; None if it is cut, damaged, or of something else.

    All bytes are compared with their checksums. A folder (a sharded checkpoint) is taken at its name.
    """
    if path.is_dir():
        return _steps_in(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return None
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, pickle.UnpicklingError):
        return None
    if not isinstance(checkpoint, dict) or not checkpoint.keys() >= NEEDED:
        return None
    return int(checkpoint["global_step"])


def read_row(path: Path) -> Mapping[str, int | float] | None:
    """Read the metrics that a whole checkpoint keeps of its last step; None where it has none."""
    if path.is_dir():
        return None
    row = torch.load(path, map_location="cpu", weights_only=True, mmap=True).get(ROW)
    return row if isinstance(row, dict) and "step" in row else None


def _steps_in(name: str) -> int:
    """Read the steps from "epoch=0-step=8.ckpt"; -1 where the name has none."""
    steps = re.search(r"step=(\d+)", name)
    return int(steps[1]) if steps else -1
