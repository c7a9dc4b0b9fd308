"""Timing of rival implementations on the same inputs, interleaved, so that other load affects all of them alike."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.records.manifest import Manifest
from scenes.storage.atomic import write_text


@dataclass(frozen=True)
class Race:
    """The seconds of every repeat of every arm. The first arm is ours, the second is the one to beat."""

    task: str
    seconds: Mapping[str, Sequence[float]]
    at_least: float  # target for the speed of the first arm relative to the second

    def median(self, arm: str) -> float:
        """Median time of an arm in seconds."""
        return statistics.median(self.seconds[arm])

    def ratio(self, arm: str) -> float:
        """Median time of an arm relative to the first one."""
        return self.median(arm) / self.median(next(iter(self.seconds)))


def race(
    task: str, arms: Mapping[str, Callable[[], object]], at_least: float, repeats: int, device: torch.device
) -> Race:
    """Time the arms in turn, `repeats` times each after a warm-up run; a GPU is synchronised before each reading."""
    for arm in arms.values():
        arm()
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for _ in track(range(repeats), description=task, transient=True):
        for name, arm in arms.items():
            _synchronise(device)
            start = time.perf_counter()
            arm()
            _synchronise(device)
            seconds[name].append(time.perf_counter() - start)
    return Race(task, seconds, at_least)


def print_races(races: Sequence[Race]) -> None:
    """Print medians and ratios as a table."""
    table = Table("task", "implementation", "median", "times ours", "aim")
    for timed in races:
        for row, arm in enumerate(timed.seconds):
            aim = f">= {timed.at_least:g}" if row == 1 else ""
            median = f"{timed.median(arm) * 1e3:.1f} ms"
            table.add_row("" if row else timed.task, arm, median, f"{timed.ratio(arm):.1f}", aim)
        table.add_section()
    Console().print(table)


def write_races(path: Path, command: str, races: Sequence[Race], manifest: Manifest) -> None:
    """Write command, manifest, medians, ratios and all times as JSON, and the table of the folder."""
    tasks: dict[str, Any] = {
        timed.task: {
            "at_least": timed.at_least,
            "arms": {
                arm: {"median_s": timed.median(arm), "times_ours": timed.ratio(arm), "seconds": list(seconds)}
                for arm, seconds in timed.seconds.items()
            },
        }
        for timed in races
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"command": command, **asdict(manifest), "tasks": tasks}, indent=2) + "\n")
    write_text(path.with_name("table.md"), races_table(path.parent))


def races_table(folder: Path) -> str:
    """Format all records of a folder as a Markdown table of the rivals' times relative to ours."""
    lines = ["| task | rival | times as long as region4d | aim | region4d, median |", "|" + " --- |" * 5]
    notes = []
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text())
        for task, times in record["tasks"].items():
            (_, ours), *rivals = times["arms"].items()
            for row, (name, rival) in enumerate(rivals):
                aim = "" if row else f"{times['at_least']:g}"
                cells = [task, name, f"{rival['times_ours']:.2f}", aim, f"{ours['median_s'] * 1e3:.1f} ms"]
                lines.append("| " + " | ".join(cells) + " |")
        notes.append(f"- {path.name}: `{record['command']}`, commit {record['commit']}, {record['machine']}")
    return "\n".join(["# Speed", "", *lines, "", *notes]) + "\n"


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
