"""Time and memory of a function in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

IMPORTED = ("av", "benchmarks.records", "models.sr3d.answering", "region4d.footage", "scenes.drawing.regions")
LINEAR = 30  # times as much for ten times the input; what is quadratic takes a hundred times as much
_server = get_context("forkserver")
_server.set_forkserver_preload(list(IMPORTED))


@dataclass(frozen=True)
class Used:
    """What a call took: processor time of all threads (seconds), memory beyond that of imports (MB), and its result."""

    seconds: float
    memory: float
    result: Any


Within = Callable[[str, Used, Used, float], None]  # name, what was used, beside what, at most how many times as much


def measured(work: Callable[..., Any], *arguments: Any) -> Used:
    """Call a function that a module names, in a process that has imported the readers and drawing, and nothing else.

    Processor time, so that a busy machine changes little.
    """
    ours, theirs = _server.Pipe(duplex=False)
    process = _server.Process(target=_report, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    try:
        used: Used = ours.recv()
    except EOFError as error:
        process.join()
        raise RuntimeError(f"{work.__name__} ended with code {process.exitcode}") from error
    process.join()
    return used


def _report(connection: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    before, started = _memory("VmRSS"), time.process_time()
    result = work(*arguments)
    connection.send(Used(time.process_time() - started, _memory("VmHWM") - before, result))


def _memory(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1e3
