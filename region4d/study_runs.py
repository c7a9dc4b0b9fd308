"""Running the arms of a study side by side, each step of each run in a process of its own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from region4d.study_plan import StudyRun

STEP_COLUMN = "step"


def run_all(runs: Sequence[StudyRun], workers: int) -> list[str]:
    """Train, score and probe what is not yet, `workers` runs at a time; return the failures, one line each.

    A run that was interrupted continues from its checkpoint; what is finished is left alone.
    """
    waiting = [run for run in runs if not run.finished]
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

        def work(run: StudyRun) -> None:
            total = int(run.config.trainer.max_steps)
            bar = progress.add_task(run.name, total=total, state="training")
            for step in run.steps:
                progress.update(bar, state=step.state)
                if step.done.exists() or stopped.is_set():
                    continue
                if not _run(step.command, run.folder, threads, stopped, lambda: tick(bar, run)):
                    progress.update(bar, state="failed" if not stopped.is_set() else "stopped")
                    failures.append(f"{run.name}: {step.state} failed; see {run.folder / 'log.txt'}")
                    return
            progress.update(bar, completed=total, state="done")

        def tick(bar: TaskID, run: StudyRun) -> None:
            progress.update(bar, completed=last_step(run.folder / "metrics.csv"))

        pending = [pool.submit(work, run) for run in waiting]
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
