"""Checkpoints that come with region4d, by name (`checkpoints/registry.yaml`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from models.resources import resource_folder

CHECKPOINTS = resource_folder("checkpoints")


@dataclass(frozen=True)
class ShippedCheckpoint:
    """One entry of the registry. `sha256` and `size` (bytes) are those of the file of weights."""

    name: str
    about: str
    weights: str
    sha256: str
    size: int
    command: str

    @property
    def folder(self) -> Path:
        """Folder with weights, configuration and card (`README.md`)."""
        return CHECKPOINTS / self.name


@cache
def shipped_checkpoints() -> dict[str, ShippedCheckpoint]:
    """Read the registry: name -> entry."""
    entries = yaml.safe_load((CHECKPOINTS / "registry.yaml").read_text())
    return {name: ShippedCheckpoint(name=name, **fields) for name, fields in entries.items()}


def checkpoint_folder(name_or_folder: str | Path) -> Path:
    """Resolve a checkpoint: a name of the registry to its folder, any other path to itself.

    To give your own folder with the name of a shipped checkpoint, include its parent: `runs/lift_tiny`.
    """
    shipped = shipped_checkpoints().get(str(name_or_folder))
    return shipped.folder if shipped else Path(name_or_folder)
