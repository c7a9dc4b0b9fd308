"""Processes that run the command line, forked from the tests: they have imported everything, so they work at once."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

PATIENCE = 180.0  # seconds, after which a command hangs


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: the signal that killed it), and what it said on standard error."""

    code: int
    said: str
    seconds: float


class Running:
    """`region4d WORDS` in a process of its own, which leads a group.

    Args:
        words: of the command line.
        log: file of standard error.
        before: called in the process, before the command.
        output: where standard output goes.
    """

    def __init__(
        self,
        words: Sequence[str],
        log: Path,
        before: Callable[[], object] = lambda: None,
        output: str | int = os.devnull,
    ) -> None:
        self.log, self.began = log, time.monotonic()
        self.process = os.fork()
        if not self.process:
            _run(words, log, before, output)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, and not to its workers."""
        os.kill(self.process, number)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    @property
    def stopped(self) -> bool:
        """Whether it has been stopped (SIGSTOP) and not been continued."""
        return os.waitid(os.P_PID, self.process, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None

    def until(self, happens: Callable[[], bool]) -> bool:
        """Wait until something happens; False if the process ends before."""
        while self.runs:
            if happens():
                return True
            time.sleep(0.002)
        return False

    def wait(self) -> Ended:
        """Wait for its end, and for that of its workers."""
        while self.runs:
            if time.monotonic() - self.began > PATIENCE:
                with suppress(ProcessLookupError):
                    os.killpg(self.process, signal.SIGKILL)
                raise AssertionError(f"it hangs; it said: {self.log.read_text()}")
            time.sleep(0.005)
        seconds = time.monotonic() - self.began
        code = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        end = time.monotonic() + 10
        while _lives(self.process) and time.monotonic() < end:
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        return Ended(code, self.log.read_text() if self.log.exists() else "", seconds)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _run(words: Sequence[str], log: Path, before: Callable[[], object], output: str | int) -> None:
    from region4d.cli import main

    code = 1
    try:
        os.setsid()
        for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
            signal.signal(number, handler)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)
        os.dup2(os.open(output, os.O_WRONLY) if isinstance(output, str) else output, 1)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
        torch.set_num_threads(1)
        before()
        sys.argv = ["region4d", *words]
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001  (what an interpreter would print at its end)
        traceback.print_exc()
    finally:
        os._exit(code)
