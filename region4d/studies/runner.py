"""Running the jobs of a study side by side, each step of each job in a process of its own.

The processes are forked from a server that has imported the libraries once: a study has dozens of steps, and importing
takes each of them ten seconds. The server touches no graphics card, which would not survive a fork.
"""

from __future__ import annotations

import csv
import os
import runpy
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

STEP_COLUMN = "step"
PRELOADED = (  # without diffusers, which asks for graphics cards as it is imported
    *("region4d.verbs.train", "region4d.verbs.bench", "region4d.verbs.extract", "distill.data", "distill.student"),
    *("probes.training.vectorized", "probes.training.in_memory_features", "probes.extractors.video.videomae"),
)


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
    server = get_context("forkserver")
    server.set_forkserver_preload(list(PRELOADED))
    process = server.Process(target=run_module, args=(tuple(command), folder / "log.txt", threads))
    process.start()
    while process.exitcode is None:
        if stopped.is_set():
            process.terminate()
        process.join(0.5)
        tick()
    return process.exitcode == 0


def run_module(command: Sequence[str], log: Path, threads: int) -> None:
    """Do what `python -m` does with these arguments, in the process that calls, and append what it prints to a log.

    It ends when the process that started it does: of a study that is killed, no step may write on beside its successor.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with log.open("a") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for processes of its own
    torch.set_num_threads(threads)
    sys.argv = list(command)
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


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
