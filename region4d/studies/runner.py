"""Run the jobs of a study in parallel, each step in its own process.

Importing the libraries takes ten seconds, and a study has dozens of steps. So one server process (multiprocessing's
`forkserver`) imports them once, and every step runs in a fork of it. The server does not initialise CUDA, which does
not survive a fork. A step ends with the process that started it: if a study is killed, its steps exit, so that a
restarted study never has two writers.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import wait
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

from benchmarks.records.curve import parse_curve
from region4d.ends import end_with_parent, ended_by_sigterm
from region4d.studies.job import Job, Step

# Starting a process also asks for the exit codes of all others. Two threads that ask for one at the same time take it
# from each other, and one of them is given 255 for a step that succeeded.
PROCESSES = threading.Lock()


def run_all(jobs: Sequence[Job], workers: int) -> list[str]:
    """Run the unfinished steps of jobs, `workers` jobs at a time; return the failures, one line each.

    An interrupted job continues where it stopped. A step that fails ends its job, and no other.
    """
    waiting = [job for job in jobs if not job.finished]
    if not waiting:
        return []
    modules = set().union(*(step.modules() for step in waiting[0].steps))  # those of other jobs are much the same
    get_context("forkserver").set_forkserver_preload(sorted(modules))
    threads = max(1, (os.cpu_count() or 1) // max(1, min(workers, len(waiting))))
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]:<28}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress, ThreadPoolExecutor(max(1, workers)) as pool:
        stopped = threading.Event()
        pending = [pool.submit(_run_job, job, threads, progress, stopped) for job in waiting]
        try:
            return [failure for future in pending if (failure := future.result()) is not None]
        except (KeyboardInterrupt, SystemExit):  # SIGTERM is an exit
            print("region4d: stopping; trainings finish their step and save it", file=sys.stderr, flush=True)
            stopped.set()
            raise


def _run_job(job: Job, threads: int, progress: Progress, stopped: threading.Event) -> str | None:
    """Run the unfinished steps of one job with a progress bar; return its failure."""
    total, before = sum(step.length for step in job.steps), 0
    bar = progress.add_task(job.name, total=total, state="waiting")
    for step in job.steps:
        progress.update(bar, state=step.state, completed=before)

        def tick(step: Step = step, before: int = before) -> None:
            if step.metrics is not None:
                progress.update(bar, completed=before + last_step(step.metrics))

        if not (step.finished or stopped.is_set()) and not _run_step(step, job.folder, threads, stopped, tick):
            progress.update(bar, state="stopped" if stopped.is_set() else "failed")
            return f"{job.name}: {step.state} failed; see {job.folder / 'log.txt'}"
        before += step.length
    progress.update(bar, completed=total, state="done")
    return None


def _run_step(step: Step, folder: Path, threads: int, stopped: threading.Event, tick: Callable[[], None]) -> bool:
    """Run a step in a process forked from the server; return whether it succeeded."""
    folder.mkdir(parents=True, exist_ok=True)
    process = get_context("forkserver").Process(target=run_in_process, args=(step, folder / "log.txt", threads))
    with PROCESSES:
        process.start()
    code = None
    while code is None:
        if stopped.is_set():
            process.terminate()
        wait([process.sentinel], 0.5)
        with PROCESSES:
            code = process.exitcode
        tick()
    return code == 0


def run_in_process(step: Step, log: Path, threads: int) -> None:
    """Run a step in the calling process, and append its output to a log."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    with log.open("a") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for processes that the step starts
    torch.set_num_threads(threads)
    with ended_by_sigterm():
        step.run()


def last_step(metrics: Path) -> int:
    """Read the last step in the log of a training; 0 before the first."""
    steps, _ = parse_curve(metrics.read_text(encoding="utf-8") if metrics.is_file() else "")
    return int(steps[-1]) if steps else 0
