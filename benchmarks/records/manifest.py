"""The provenance of results: configuration, commit, machine, versions, checkpoint, time."""

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

from benchmarks.records.field_types import Check, Form, anything, is_text, mapping_of
from benchmarks.records.lines import read_lines
from models.checkpoint_registry import checkpoint_folder
from scenes.storage.atomic import write_text

MANIFEST = "manifest.json"

PACKAGES = ("torch", "torchvision", "transformers", "timm", "numpy")


@dataclass(frozen=True)
class Manifest:
    """The provenance of a file of records.

    `commit` ends in "+" if the checkout had uncommitted changes, and is "" outside of git. `checkpoint` is the SHA-256
    of the weights, or "". `time` is UTC in ISO 8601.
    """

    config: Mapping[str, Any]
    commit: str
    machine: str
    versions: Mapping[str, str]
    checkpoint: str
    time: str


CHECKS: dict[str, Check] = {
    "config": mapping_of(anything),
    **dict.fromkeys(("commit", "machine", "checkpoint", "time"), is_text),
    "versions": mapping_of(is_text),
}
FORM = Form("manifest", CHECKS, frozenset(CHECKS), "remove what it is of, and measure again")


def collect_manifest(config: Mapping[str, Any], checkpoint: Path | None = None) -> Manifest:
    """Collect the manifest of a measurement that ends now; `checkpoint` is a file or a folder of weights.

    Raises:
        FileNotFoundError: the checkpoint has no weights.
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
    """Merge the manifests of several measurements: distinct commits, machines, versions, checkpoints; the latest time.

    The configuration is left empty, for the caller to set.

    Raises:
        ValueError: `manifests` is empty.
    """
    if not manifests:
        raise ValueError("there are no manifests to merge: measure something first")
    packages = dict.fromkeys(name for manifest in manifests for name in manifest.versions)
    return Manifest(
        config={},
        commit=_join_distinct(manifest.commit for manifest in manifests),
        machine=_join_distinct((manifest.machine for manifest in manifests), "; "),
        versions={
            name: _join_distinct((manifest.versions.get(name, "") for manifest in manifests), " and ")
            for name in packages
        },
        checkpoint=_join_distinct(manifest.checkpoint for manifest in manifests),
        time=max(manifest.time for manifest in manifests),
    )


def _join_distinct(names: Iterable[str], separator: str = ", ") -> str:
    return separator.join(dict.fromkeys(filter(None, names)))


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest atomically."""
    write_text(path, json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of one run.

    Raises:
        FileNotFoundError: the folder has no manifest, because the run did not finish.
        ValueError: the file is not a manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"no {MANIFEST} in {folder}: the run did not finish; start it again")
    return parse_manifest(path)


def parse_manifest(path: Path) -> Manifest:
    """Read a file; ValueError where it is not a manifest."""
    return Manifest(**FORM.parse("".join(read_lines(path)), str(path)))


def machine() -> str:
    """Describe the hardware, without the host name."""
    parts = [platform.system(), platform.machine(), f"{os.cpu_count()} cores"]
    return ", ".join([*parts, *(torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count()))])


def commit_of(folder: Path) -> str:
    """Return the checked-out commit of the repository that contains a folder; see `Manifest`."""

    def git(*arguments: str) -> str:
        process = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        return process.stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return commit + "+" if commit and git("status", "--porcelain", "--untracked-files=no") else commit
    except FileNotFoundError:  # git is not installed
        return ""


def checkpoint_hash(path: Path) -> str:
    """Hash weights (SHA-256): a file, or the concatenated .safetensors files of a folder or a shipped checkpoint.

    Raises:
        FileNotFoundError: there are no weights at `path`.
    """
    path = checkpoint_folder(path)
    files = [path] if path.is_file() else sorted(path.rglob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"no weights at '{path}': give a checkpoint file, or a folder with .safetensors files")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as data:
            hashlib.file_digest(data, lambda: digest)
    return digest.hexdigest()
