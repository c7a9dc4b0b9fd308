"""Trainings that are stopped, and two that want one folder."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

TERMINATED = 128 + signal.SIGTERM  # exit code, as of a process that the signal ends


@contextmanager
def sole_training(folder: Path, main_process: bool) -> Iterator[None]:
    """Hold the folder of a training; the other processes of the same training have it with the main one.

    Raises:
        ValueError: another process trains in it.
    """
    if not main_process:
        yield
        return
    lock = FileLock(folder / ".training.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"another process trains in {folder}; wait for it, or name a new folder with output=..."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise SystemExit(143), so that drafts are removed; only the main thread of a process can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def default_sigterm() -> Iterator[None]:
    """Give SIGTERM its default handler for a while."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
