"""Long work of a page: it says how far it is, and ends soon after its visitor leaves or presses Stop."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
THREAD = "work of a page"
Report = Callable[[str, float], None]  # what is being done, and the share of the work that is done


@dataclass(frozen=True)
class Step:
    """How far a work is: `share` from 0 to 1."""

    doing: str
    share: float


@dataclass(frozen=True)
class Done(Generic[T]):
    """The result of a work."""

    result: T


class _Stopped(Exception):
    pass


def steps(work: Callable[[Report], T]) -> Generator[Step | Done[T]]:
    """Run a work on a thread of its own; give its reports as they come, at last its result.

    Gradio closes the iterator where a visitor stops or leaves; the work then ends at its next report.

    Raises:
        ValueError, OSError, ImportError: the work raised it.
        RuntimeError: the work raised something else, which the terminal of the server shows.
    """
    messages: queue.SimpleQueue[Step | Done[T] | Exception] = queue.SimpleQueue()
    stopped = threading.Event()

    def report(doing: str, share: float) -> None:
        if stopped.is_set():
            raise _Stopped
        messages.put(Step(doing, share))

    def run() -> None:
        try:
            messages.put(Done(work(report)))
        except _Stopped:
            pass
        except (ValueError, OSError, ImportError) as error:
            messages.put(error)
        finally:
            messages.put(RuntimeError("this ended with an error, which the terminal of the server shows"))

    threading.Thread(target=run, name=THREAD, daemon=True).start()
    try:
        while True:
            message = messages.get()
            while isinstance(message, Step) and not messages.empty():
                message = messages.get()  # a page shows the last report alone
            if isinstance(message, Exception):
                raise message
            yield message
            if isinstance(message, Done):
                return
    finally:
        stopped.set()
