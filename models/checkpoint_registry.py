"""Checkpoints by name: those that come with region4d (`checkpoints/registry.yaml`), and those on the Hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

from models.resources import resource_folder

HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")  # OWNER/NAME
HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.md", "LICEN[CS]E*")  # no pickles, no code
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
    """Resolve a checkpoint: a name of the registry to its folder, a folder to itself, OWNER/NAME to a download.

    To give your own folder with the name of a shipped checkpoint, include its parent: `runs/lift_tiny`. A model of the
    Hub is downloaded once, into the cache of huggingface_hub; where there is a folder OWNER, a path is meant.

    Raises:
        FileNotFoundError: OWNER/NAME is not a folder, and the Hub has no such model or does not answer. Any other path
            is returned, whether or not it is there.
    """
    name, path = str(name_or_folder), Path(name_or_folder)
    if shipped := shipped_checkpoints().get(name):
        return shipped.folder
    named = HUB_NAME.fullmatch(name) and not path.exists() and not path.parent.exists()
    return download(name) if named else path


def download(name: str, files: Sequence[str] = HUB_FILES) -> Path:
    """Download files of a model of the Hub, unless they are in the cache; return their folder.

    Raises:
        FileNotFoundError: The Hub has no such model or does not answer.
    """
    try:
        return Path(snapshot_download(name, allow_patterns=list(files)))
    except GatedRepoError:
        raise FileNotFoundError(f"'{name}' is gated: accept its licence on the Hub, and run `hf auth login`") from None
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise FileNotFoundError(f"no folder '{name}', and no such model from the Hub ({why}): check the name") from None
