"""Running the jobs of a study side by side, each step of each job in a process of its own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

STEP_COLUMN = "step"


@dataclass(frozen=True)
class Step:
    """A command, as arguments of `python -m`, and the file or folder that is there once it has ended well.

    `length` is what a training counts in the `metrics.csv` beside `done`; 0 for other steps.
    """

    state: str
    command: tuple[str, ...]
    done: Path
    length: int = 0


@dataclass(frozen=True)
class Job:
    """Steps that come one after the other. The first makes what the others need; only theirs are results."""

    name: str
    folder: Path
    steps: tuple[Step, ...]

    @property
    def finished(self) -> bool:
        """Tell whether all results are there; what the first step made may be gone."""
        return all(step.done.exists() for step in self.steps[1:])


def run_all(jobs: Sequence[Job], workers: int) -> list[str]:
    """Take the steps that were not taken yet, `workers` jobs at a time; return the failures, one line each.

    A job that was interrupted continues where it was; what is finished is left alone.
    """
    waiting = [job for job in jobs if not job.finished]
    threads = max(1, (os.cpu_count() or 1) // max(1, min(workers, len(waiting) or 1)))
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]:<28}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    failures: list[str] = []
    with Progress(*columns) as progress, ThreadPoolExecutor(max(1, workers)) as pool:
        stopped = threading.Event()

        def work(job: Job) -> None:
            total = sum(step.length for step in job.steps)
            bar = progress.add_task(job.name, total=total, state=job.steps[0].state)
            before = 0
            for step in job.steps:
                progress.update(bar, state=step.state, completed=before)

                def tick(step: Step = step, before: int = before) -> None:
                    if step.length:
                        progress.update(bar, completed=before + last_step(step.done.parent / "metrics.csv"))

                skipped = step.done.exists() or stopped.is_set()
                if not skipped and not _run(step.command, job.folder, threads, stopped, tick):
                    progress.update(bar, state="failed" if not stopped.is_set() else "stopped")
                    failures.append(f"{job.name}: {step.state} failed; see {job.folder / 'log.txt'}")
                    return
                before += step.length
            progress.update(bar, completed=total, state="done")

        pending = [pool.submit(work, job) for job in waiting]
        try:
            for future in pending:
                future.result()
        except KeyboardInterrupt:
            stopped.set()
            raise
    return failures


def _run(
    command: Sequence[str], folder: Path, threads: int, stopped: threading.Event, tick: Callable[[], None]
) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with (folder / "log.txt").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], stdout=log, stderr=subprocess.STDOUT, env=environment
        )
        while process.poll() is None:
            if stopped.is_set():
                process.terminate()
            time.sleep(0.5)
            tick()
    return process.returncode == 0


def last_step(metrics: Path) -> int:
    """Read the last step that a run has logged; 0 before the first."""
    steps, _ = learning_curve(metrics)
    return int(steps[-1]) if steps else 0


def learning_curve(metrics: Path) -> tuple[list[float], list[float]]:
    """Read (step, loss) of a run from Lightning's CSV log."""
    if not metrics.is_file():
        return [], []
    with metrics.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row.get("loss")]
    return [float(row[STEP_COLUMN]) for row in rows], [float(row["loss"]) for row in rows]
