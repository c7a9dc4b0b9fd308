"""Speed of lifting: one object at a time, and in batches."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.lifting.methods import ModelMethod
from scenes.masked_object import MaskedObject
from scenes.storage.atomic import write_text


@dataclass(frozen=True)
class Speed:
    """Wall-clock seconds per object of the whole call of `lift_many`: the minimum over repeats.

    `load` is the machine's load average at the time: other work on it makes the seconds larger.
    """

    arm: str
    batch: int
    objects: int
    repeats: int
    seconds: float
    load: float
    device: str


def time_arms(
    arms: Mapping[str, ModelMethod], items: Sequence[MaskedObject], seeds: Sequence[int], repeats: int
) -> list[Speed]:
    """Time every arm on the same objects: all in one batch, and one by one."""
    speeds = []
    for name, arm in arms.items():
        arm.predict(items[:1], seeds[:1], 0)  # one-off costs, such as loading, are not timed
        for batch in (len(items), 1):
            times = []
            for _ in range(repeats):
                start = time.perf_counter()
                for first in range(0, len(items), batch):
                    arm.predict(items[first : first + batch], seeds[first : first + batch], 0)
                times.append(time.perf_counter() - start)
            device = arm.networks.device.type
            speeds.append(Speed(name, batch, len(items), repeats, min(times) / len(items), os.getloadavg()[0], device))
    return speeds


def write_speeds(path: Path, speeds: Sequence[Speed]) -> None:
    """Write timings as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps([asdict(speed) for speed in speeds], indent=2) + "\n")


def read_speeds(path: Path) -> list[Speed]:
    """Read timings; an empty list without a file."""
    return [Speed(**data) for data in json.loads(path.read_text())] if path.is_file() else []
