"""What this process may use: cores, memory, and the limits of its control groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNLIMITED = 2**60  # bytes; version 1 writes a huge number where there is no limit


@dataclass(frozen=True)
class Limits:
    """Limits of the control groups of this process: CPUs (may be a fraction) and bytes; None where there is none."""

    cpus: float | None = None
    memory_bytes: int | None = None


def usable_cores() -> int:
    """Count the cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Return the memory of this machine; None where the system does not say."""
    names = os.sysconf_names
    if "SC_PHYS_PAGES" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def group_limits(groups: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> Limits:
    """Read the tightest limits of CPU time and memory of this process's control groups, versions 1 and 2.

    Every group above is a limit as well. In a container, the path of a group may be that of the host, which is not
    mounted; the groups that are mounted are read.
    """
    if not groups.is_file():
        return Limits()
    cpus: list[float] = []
    memory: list[int] = []
    for line in groups.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        kinds = controllers.split(",")
        if not controllers:
            for folder in _upwards(mounted, path):
                quota = _read(folder / "cpu.max").split()
                cpus += [int(quota[0]) / int(quota[1])] if quota and quota[0] != "max" else []
                most = _read(folder / "memory.max")
                memory += [int(most)] if most.isdigit() else []
        if "cpu" in kinds:
            for folder in _upwards(mounted / controllers, path):
                quota = [_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")]
                cpus += [int(quota[0]) / int(quota[1])] if all(part.isdigit() for part in quota) else []
        if "memory" in kinds:
            for folder in _upwards(mounted / controllers, path):
                most = _read(folder / "memory.limit_in_bytes")
                memory += [int(most)] if most.isdigit() else []
    memory = [most for most in memory if most < UNLIMITED]
    return Limits(min(cpus, default=None), min(memory, default=None))


def _upwards(root: Path, path: str) -> Iterator[Path]:
    group = root / path.lstrip("/")
    yield group
    while group != root and root in group.parents:
        group = group.parent
        yield group


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # the group or the controller is not mounted
        return ""
