"""Several processes of one command: what they share, and how they end."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
import torch

from probes.clips.object_window import Unsuitable
from region4d import workers
from region4d.workers import VISIBLE, as_worker, count_workers, portable, visible_gpus, work_together
from tests.support.shares import StubbornError, square, work_or_hold


def nothing(*_: object) -> None:
    """Take what a process tells."""


@pytest.mark.parametrize(("gpus", "any_gpu", "count"), [(0, True, 1), (1, True, 1), (4, True, 4), (4, False, 1)])
def test_auto_is_one_process_per_gpu_unless_a_device_is_named(
    gpus: int, any_gpu: bool, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert count_workers("auto", any_gpu) == count
    assert count_workers("3", any_gpu) == 3


@pytest.mark.parametrize("asked", [0, "-1", "many", "1.5", ""])
def test_what_is_not_a_number_of_processes_is_refused(asked: int | str) -> None:
    with pytest.raises(ValueError, match=f"--workers {asked} is not a number of processes"):
        count_workers(asked, option="--workers ")


@pytest.mark.parametrize(
    ("named", "gpus"), [(None, ["0", "1"]), ("5,3,1", ["5", "3"]), ("GPU-ab, MIG-cd", ["GPU-ab", "MIG-cd"])]
)
def test_gpus_are_those_that_this_process_sees(
    named: str | None, gpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv(VISIBLE, raising=False)
    if named is not None:
        monkeypatch.setenv(VISIBLE, named)
    assert visible_gpus() == gpus


@pytest.mark.parametrize("before", [None, "2,3"])
def test_a_process_that_is_started_sees_one_gpu_and_no_ctrl_c(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VISIBLE, raising=False)
    if before is not None:
        monkeypatch.setenv(VISIBLE, before)
    handler = signal.getsignal(signal.SIGINT)
    with as_worker("7"):
        assert os.environ[VISIBLE] == "7"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert os.environ.get(VISIBLE) == before
    assert signal.getsignal(signal.SIGINT) is handler
    with as_worker(None):
        assert os.environ.get(VISIBLE) == before


class UnheardProcess:
    """A process that only notes what is done to it."""

    def __init__(self, target: object, args: tuple[workers.Task, object]) -> None:
        self.threads, self.calls = args[0].threads, list[str]()

    def __getattr__(self, name: str) -> object:
        return lambda: self.calls.append(name)


def test_ctrl_c_right_after_a_start_stops_that_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[UnheardProcess] = []

    class Context:
        Pipe = staticmethod(Pipe)

        @staticmethod
        def Process(**words: Any) -> UnheardProcess:
            made.append(UnheardProcess(**words))
            return made[-1]

    @contextmanager
    def pressed_at_the_end(gpu: str | None) -> Iterator[None]:
        yield
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "get_context", lambda _: Context)
    monkeypatch.setattr(workers, "as_worker", pressed_at_the_end)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(9)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    with pytest.raises(KeyboardInterrupt):
        work_together(square, [3, 4], nothing)
    (process,) = made
    assert process.calls == ["start", "terminate", "join", "kill"]
    assert process.threads == 9 // 2


class WordyError(ValueError):
    """An error whose copy has other words."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no {name}")


class FullError(OSError):
    """An error of a module that the other process may lack."""


class OddError(Exception):
    """Another one."""


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (FileNotFoundError(2, "none", "file"), FileNotFoundError, "[Errno 2] none: 'file'"),
        (BrokenExecutor("killed"), BrokenExecutor, "killed"),
        (Unsuitable("too short"), Unsuitable, "too short"),
        (StubbornError("this", "that"), ValueError, "this and that"),
        (WordyError("weights"), ValueError, "no weights"),
        (FullError("disk"), OSError, "disk"),
        (OddError("odd"), RuntimeError, "OddError: odd"),
    ],
)
def test_an_error_crosses_processes_with_its_words_and_its_traceback(
    error: Exception, kind: type[Exception], words: str
) -> None:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001
        sent = pickle.dumps(portable(caught))
    found = pickle.loads(sent)
    assert (type(found), str(found)) == (kind, words)
    assert test_an_error_crosses_processes_with_its_words_and_its_traceback.__name__ in found.__notes__[-1]


def test_an_error_of_ours_that_would_change_its_words_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "KNOWN", workers.KNOWN | {"tests"})
    for error, words in ((WordyError("weights"), "no weights"), (StubbornError("this", "that"), "this and that")):
        assert (type(portable(error)), str(portable(error))) == (ValueError, words)


@pytest.mark.long
def test_shares_are_worked_on_in_order_by_processes_that_see_one_gpu_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv(VISIBLE, "6,4")
    told: list[tuple[int, int]] = []
    results = work_together(square, [3, 4], lambda index, value: told.append((index, value)))
    assert results == [(9, "6", signal.SIG_IGN), (16, "4", signal.SIG_IGN)]
    assert sorted(told) == [(0, 3), (1, 4)]
    assert os.environ[VISIBLE] == "6,4"


@pytest.mark.long
@pytest.mark.parametrize(
    ("way", "kind", "said"),
    [
        ("fail", ValueError, "fail is wrong"),
        ("die", BrokenExecutor, "ended with -9"),
        ("stubborn", ValueError, "this and"),
    ],
)
def test_a_process_that_fails_or_dies_ends_the_others_which_give_back_their_locks(
    way: str, kind: type[Exception], said: str, tmp_path: Path
) -> None:
    began = time.monotonic()
    with pytest.raises(kind, match=said):
        work_together(work_or_hold, [("hold", tmp_path), (way, tmp_path)], nothing)
    assert time.monotonic() - began < 60  # the other would hold its lock for two minutes
    assert (tmp_path / "holds").exists()
    assert not (tmp_path / "held.lock").exists()


@pytest.mark.long
@pytest.mark.parametrize("way", ["hold", "deaf"])
def test_ctrl_c_ends_all_processes_and_a_second_one_those_that_do_not_hear(way: str, tmp_path: Path) -> None:
    def press() -> None:
        while not (tmp_path / "holds").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)
        if way == "deaf":
            time.sleep(1)
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work_together(work_or_hold, [(way, tmp_path)], nothing)
    assert time.monotonic() - began < 60  # it would hold its lock for two minutes
    assert (tmp_path / "held.lock").exists() == (way == "deaf")  # what a killed process leaves is nobody's
