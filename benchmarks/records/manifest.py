"""Where results come from: configuration, commit, machine, versions, checkpoint, time."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from models.checkpoint_registry import checkpoint_folder
from scenes.storage.atomic import write_text

MANIFEST = "manifest.json"

PACKAGES = ("torch", "torchvision", "transformers", "timm", "numpy")


@dataclass(frozen=True)
class Manifest:
    """What made a file of records. `commit` ends in "+" where the checkout had changes, and is "" outside of git."""

    config: Mapping[str, Any]
    commit: str
    machine: str
    versions: Mapping[str, str]
    checkpoint: str
    time: str


def collect_manifest(config: Mapping[str, Any], checkpoint: Path | None = None) -> Manifest:
    """Look up everything but the configuration; `checkpoint` is a file or a folder of weights.

    Raises:
        FileNotFoundError: The checkpoint has no weights.
    """
    return Manifest(
        config=config,
        commit=commit_of(Path(__file__).parent),
        machine=machine(),
        versions={"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}},
        checkpoint=checkpoint_hash(checkpoint) if checkpoint else "",
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def provenance(manifests: Sequence[Manifest]) -> Manifest:
    """Join the manifests of several measurements: every commit, machine, version and checkpoint once, the latest time.

    The configuration is empty: it belongs to whoever asks.

    Raises:
        ValueError: There are none.
    """
    if not manifests:
        raise ValueError("nothing was measured: there is no manifest to join")
    packages = dict.fromkeys(name for each in manifests for name in each.versions)
    return Manifest(
        config={},
        commit=_joined(each.commit for each in manifests),
        machine=_joined((each.machine for each in manifests), "; "),
        versions={name: _joined((each.versions.get(name, "") for each in manifests), " and ") for name in packages},
        checkpoint=_joined(each.checkpoint for each in manifests),
        time=max(each.time for each in manifests),
    )


def _joined(names: Iterable[str], separator: str = ", ") -> str:
    return separator.join(dict.fromkeys(filter(None, names)))


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest at once."""
    write_text(path, json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read what made the records of one run.

    Raises:
        FileNotFoundError: There is none: the run did not end.
        ValueError: It is not a manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"no {MANIFEST} in {folder}: the run did not end; start it again")
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{path} is not a manifest: {error}") from None


def machine() -> str:
    """Describe the hardware, without the name of the host."""
    parts = [platform.system(), platform.machine(), f"{os.cpu_count()} cores"]
    return ", ".join([*parts, *(torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count()))])


def commit_of(folder: Path) -> str:
    """Name the commit that is checked out around a folder."""

    def git(*arguments: str) -> str:
        ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        return ran.stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return commit + "+" if commit and git("status", "--porcelain", "--untracked-files=no") else commit
    except FileNotFoundError:  # git is not installed
        return ""


def checkpoint_hash(path: Path) -> str:
    """Hash weights (SHA-256): a file, or the .safetensors files of a folder or shipped checkpoint one after another.

    Raises:
        FileNotFoundError: There are none.
    """
    path = checkpoint_folder(path)
    files = [path] if path.is_file() else sorted(path.rglob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"a checkpoint file, or a folder with .safetensors files, is needed, got {path}")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as data:
            hashlib.file_digest(data, lambda: digest)
    return digest.hexdigest()
