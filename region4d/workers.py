"""Several processes of one command on this machine: one per GPU where there are any, with one end for all of them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

import rich
import torch

from region4d.doctor.machine import usable_cores
from region4d.ends import TERMINATED, end_with_parent, ended_by_sigterm

AUTO = "auto"
VISIBLE = "CUDA_VISIBLE_DEVICES"
TOLD, DONE, FAILED = "told", "done", "failed"
GRACE_S = 1.0  # after a worker that was told to stop: all processes may have been, and this one answers for them
OURS = ("region4d", "distill", "probes", "benchmarks", "training", "scenes", "models")
KNOWN = frozenset({*sys.stdlib_module_names, "torch", *OURS})  # whose types of errors every process has
Share = TypeVar("Share")
Result = TypeVar("Result")
Tell = Callable[[Any], None]  # of a worker: what its share has come to


def count_workers(asked: int | str, any_gpu: bool = True, option: str = "workers=") -> int:
    """Count the processes that were asked for; `auto` is one per visible GPU, and one without any.

    Args:
        asked: a number, or `auto`.
        any_gpu: whether the command takes any GPU; where it was given a device, `auto` is one.
        option: how the command line spells it.

    Raises:
        ValueError: it is neither a number of processes nor `auto`.
    """
    if asked == AUTO:
        return max(1, torch.cuda.device_count()) if any_gpu else 1
    if not str(asked).isdecimal() or int(asked) < 1:
        raise ValueError(f"{option}{asked} is not a number of processes: give one, or {AUTO} for one per GPU")
    return int(asked)


def work_together(
    work: Callable[[Share, Tell], Result],
    shares: Sequence[Share],
    told: Callable[[int, Any], None],
    any_gpu: bool = True,
) -> list[Result]:
    """Call `work(share, tell)` for each share in a process of its own, and return the results in order.

    The processes share out the cores, and the visible GPUs in turn: each sees one, as its first. They show no bars;
    what they tell is for the bar of this one. When one fails or dies, or this process is told to stop, the others are
    told to stop (SIGTERM), which gives back their locks; a second Ctrl-C kills them, and they end with this process.

    Args:
        work: a function of a module, which the processes import.
        shares: what each works on; pickled.
        told: called here with the index of a share and what its process told.
        any_gpu: whether to share out the GPUs; not where a device was given.

    Raises:
        BrokenExecutor: a process was killed.
        Exception: the first error of a process.
    """
    context, gpus = get_context("spawn"), visible_gpus() if any_gpu else []
    threads = max(1, usable_cores() // len(shares))
    processes: list[SpawnProcess] = []
    answers: dict[Connection, int] = {}
    try:
        for index, share in enumerate(shares):
            answer, ours = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(Task(work, share, threads), ours))
            with as_worker(gpus[index % len(gpus)] if gpus else None):
                process.start()
                processes.append(process)  # before Ctrl-C is heard again
            ours.close()
            answers[answer] = index
        results = _collect(answers, processes, told)
    except BaseException:
        _stop(processes)
        raise
    for process in processes:
        process.join()
    return results


def visible_gpus() -> list[str]:
    """List the GPUs that this process sees, as CUDA_VISIBLE_DEVICES names them; nothing is started on them."""
    count = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    return named[:count] if named else [str(index) for index in range(count)]


@contextmanager
def as_worker(gpu: str | None) -> Iterator[None]:
    """Let a process that is started here see one GPU, and leave Ctrl-C, which reaches all of them, to this one."""
    main = threading.current_thread() is threading.main_thread()  # no other can set handlers
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    before = os.environ.get(VISIBLE)
    if gpu is not None:
        os.environ[VISIBLE] = gpu
    try:
        yield
    finally:
        if before is not None:
            os.environ[VISIBLE] = before
        elif gpu is not None:
            del os.environ[VISIBLE]
        if main:
            signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)


@dataclass(frozen=True)
class Task:
    """What a process does, and on how many threads."""

    work: Callable[[Any, Tell], Any]
    share: Any
    threads: int


def _collect(
    answers: dict[Connection, int], processes: Sequence[SpawnProcess], told: Callable[[int, Any], None]
) -> list[Any]:
    results: dict[int, Any] = {}
    while answers:
        for answer in wait(list(answers)):
            assert isinstance(answer, Connection)
            index = answers[answer]
            try:
                kind, value = answer.recv()
            except EOFError:
                processes[index].join()
                if processes[index].exitcode in (TERMINATED, -signal.SIGTERM):
                    time.sleep(GRACE_S)
                raise BrokenExecutor(f"process {index} ended with {processes[index].exitcode}") from None
            if kind == FAILED:
                raise value
            if kind == TOLD:
                told(index, value)
            else:
                results[index] = value
                del answers[answer]
    return [results[index] for index in sorted(results)]


def _stop(processes: Sequence[SpawnProcess]) -> None:
    """Tell processes to stop and wait for them; when this one is told to stop once more, kill them."""
    try:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.kill()


def _work(task: Task, answer: Connection) -> None:
    """Work on a share, in its process."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = str(task.threads)  # for processes that this one starts
    torch.set_num_threads(task.threads)
    rich.get_console().quiet = True
    with ended_by_sigterm():
        try:
            result = task.work(task.share, lambda value: answer.send((TOLD, value)))
        except Exception as error:  # noqa: BLE001  (whatever it is, the process that started this one raises it)
            answer.send((FAILED, portable(error)))
        else:
            answer.send((DONE, result))


def portable(error: Exception) -> Exception:
    """Make an error that another process can read, with its message, and the traceback of this process as its note.

    It keeps its type where that process surely has it and makes it anew with the same words; else a built-in one
    stands for it: types of checkouts may be imported here alone, and constructors do what they want.
    """
    note = "".join(traceback.format_exception(error))
    copy = _copied(error) if type(error).__module__.partition(".")[0] in KNOWN else None
    if copy is None:
        kind = next((each for each in (ValueError, OSError, ImportError) if isinstance(error, each)), RuntimeError)
        copy = kind(str(error) if kind is not RuntimeError else f"{type(error).__name__}: {error}")
    copy.add_note(note)
    return copy


def _copied(error: Exception) -> Exception | None:
    try:
        copy = pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  (constructors raise what they want)
        return None
    return copy if type(copy) is type(error) and str(copy) == str(error) else None
