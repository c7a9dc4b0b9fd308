"""What the doctor found, as text and as JSON, and what to do about it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass, field
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, Literal

from models.checkpoint_registry import ShippedCheckpoint
from region4d.doctor.extras import EXTRAS, install_command
from region4d.doctor.machine import Limits

State = Literal["works", "absent", "broken"]
GB = 1e9
LOW_DISK, LOW_MEMORY = 10 * GB, 2 * GB


@dataclass(frozen=True)
class Part:
    """The base's or an extra's state; `detail` is what a trial found, what is missing, or why it failed."""

    state: State
    detail: str
    purpose: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that was found. `disks` are free bytes by folder."""

    version: str
    python: str
    system: str
    base: dict[str, Part]
    extras: dict[str, Part]
    cores: int
    limits: Limits
    memory_bytes: int | None
    torch: dict[str, Any]
    waiting: str
    disks: dict[str, int]
    advice: list[str] = field(default_factory=list)

    @property
    def works(self) -> bool:
        """Whether nothing that is installed is broken."""
        return all(part.state != "broken" for part in [*self.base.values(), *self.extras.values()])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return {**asdict(self), "works": self.works}


def examine_checkpoint(checkpoint: ShippedCheckpoint) -> Part:
    """Compare the weights of a shipped checkpoint with size and hash of the registry."""
    path = checkpoint.folder / checkpoint.weights
    if not path.is_file():
        return Part("broken", f"{path} is missing")
    if (size := path.stat().st_size) != checkpoint.size:
        return Part("broken", f"{path} has {size} bytes, expected {checkpoint.size}")
    with path.open("rb") as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest() == checkpoint.sha256
    return Part("works", "whole") if whole else Part("broken", f"{path} is not the file that was shipped")


def free_bytes(folder: Path) -> int:
    """Measure the free space on the disk of a folder, or of the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def advise(report: Report) -> list[str]:
    """Say what to do about what was found, one line each."""
    lines = []
    packages_of = packages_distributions()
    for name, part in report.base.items():
        if part.state == "broken":
            remedy = "install region4d again" if name.startswith("checkpoint") else "the base of region4d needs it"
            lines.append(f"{name} is broken ({part.detail}): {remedy}")
    for name, part in report.extras.items():
        if part.state == "broken":
            also = ", and the shared libraries of FFmpeg" if name == "torchcodec" else ""
            packages = " ".join(sorted({one for each in EXTRAS[name].modules for one in packages_of.get(each, [each])}))
            lines.append(f"{name} is broken ({part.detail}): reinstall {packages} ({install_command(name)}){also}")
    threads, cpus = report.torch.get("threads"), report.limits.cpus
    if threads and cpus and threads > max(1, cpus):
        lines.append(
            f"torch starts {threads} threads, but this container may use {cpus:g} cores: set "
            f"OMP_NUM_THREADS={max(1, int(cpus))}"
        )
    if "ACTIVE" in report.waiting.upper().split("="):
        lines.append(f"{report.waiting} makes processes that share cores several times slower: leave it out")
    if report.torch and not report.torch["gpus"] and not report.torch["mps"]:
        lines.append("no GPU: the shipped models run on the CPU; models of billions of parameters need a GPU")
    for folder, free in report.disks.items():
        if free < LOW_DISK:
            lines.append(f"{folder} has {free / GB:.1f} GB left: downloads and rendered worlds may not fit")
    memory = min(filter(None, [report.memory_bytes, report.limits.memory_bytes]), default=None)
    if memory and memory < LOW_MEMORY:
        lines.append(f"{memory / GB:.1f} GB of memory: training and lifting may be killed")
    return lines


def to_text(report: Report) -> str:
    """Write the report for people."""
    lines = [f"region4d {report.version}, Python {report.python}, {report.system}", ""]
    width = max(map(len, [*report.base, *report.extras]))
    for title, parts in (("base", report.base), ("extras", report.extras)):
        lines.append(title)
        for name, part in parts.items():
            purpose = f"  ({part.purpose})" if part.purpose else ""
            lines.append(f"  {name:{width}}  {part.state:6}  {part.detail}{purpose}")
        lines.append("")
    lines += ["machine", *(f"  {line}" for line in _machine(report)), ""]
    lines += ["advice", *(f"  {line}" for line in report.advice or ["nothing to do"])]
    return "\n".join(lines)


def _machine(report: Report) -> list[str]:
    limits = report.limits
    cpus = "no limit of CPU time" if limits.cpus is None else f"limited to {limits.cpus:g} cores"
    lines = [f"{report.cores} CPU cores for this process, {cpus}"]
    if report.memory_bytes:
        most = "no limit" if limits.memory_bytes is None else f"limited to {limits.memory_bytes / GB:.1f} GB"
        lines.append(f"{report.memory_bytes / GB:.1f} GB of memory, {most}")
    if report.torch:
        lines.append(f"{report.torch['threads']} threads of torch; while they wait: {report.waiting}")
        lines += [
            f"GPU {k}: {gpu['name']}, {gpu['free_bytes'] / GB:.1f} of {gpu['total_bytes'] / GB:.1f} GB free"
            for k, gpu in enumerate(report.torch["gpus"])
        ] or ["no GPU"]
        lines += ["MPS (Apple GPU) is there; commands use the CPU or CUDA"] if report.torch["mps"] else []
    return [*lines, *(f"{free / GB:.1f} GB free in {folder}" for folder, free in report.disks.items())]
