"""Two commands at once, clocks that jump, workers that die, and batches that are not numbers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from region4d.studies.job import Job
from region4d.studies.runner import run_all
from tests.support.faults.workshop import Workshop, leftovers
from tests.support.steps import DyingOnce

DAY = 86_400.0
BEGUN = {  # what is there once a command is at work
    "train": "run/checkpoints/*.ckpt",
    "bench": "bench/parts/*.jsonl",
    "extract slowly": "features/**/*.safetensors",
}
REFUSED = ("worlds", "prepare", "train", "bench", "compare")


def slow_but(quick: str, *names: str) -> list[object]:
    return [name if name in quick.split() else pytest.param(name, marks=pytest.mark.slow) for name in names]


def has_bytes(path: Path) -> bool:
    """Tell whether a file that was listed has contents; not if it has got its final name since."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("name", slow_but("prepare", *REFUSED))
def test_a_second_command_in_a_folder_is_refused_at_once(name: str, workshop: Workshop, tmp_path: Path) -> None:
    workshop.undisturbed(name)
    first = workshop.start(name, tmp_path, before=stop_at_the_first_lock)
    assert first.until(lambda: first.stopped)
    second = workshop.start(name, tmp_path).wait()
    first.signal(signal.SIGCONT)
    assert second.code == 2, second.said
    assert "another process is writing" in second.said.splitlines()[-1]
    assert first.wait().code == 0
    workshop.survived("a second command in its folder", name, second, tmp_path)


def stop_at_the_first_lock() -> None:
    """Make this process stop (SIGSTOP) once it has a lock, for as long as another needs to notice."""
    acquire = FileLock.acquire

    def stopping(self: FileLock, *words: object, **named: object) -> object:
        held = acquire(self, *words, **named)  # type: ignore[arg-type]
        FileLock.acquire = acquire  # type: ignore[method-assign]
        os.kill(os.getpid(), signal.SIGSTOP)
        return held

    FileLock.acquire = stopping  # type: ignore[method-assign, assignment]


@pytest.mark.slow
def test_two_extractions_share_the_work(workshop: Workshop, tmp_path: Path) -> None:
    workshop.undisturbed("extract")
    both = [workshop.start("extract", tmp_path) for _ in range(2)]
    ended = [each.wait() for each in both]
    assert [each.code for each in ended] == [0, 0], ended
    workshop.survived("a second command in its folder, which shares the work", "extract", ended[1], tmp_path)


@pytest.mark.long
def test_an_extraction_in_two_processes_writes_the_bytes_of_one(workshop: Workshop, tmp_path: Path) -> None:
    ended = workshop.start("extract slowly", tmp_path, more=["workers=2"]).wait()
    assert ended.code == 0, ended.said
    assert "2 processes" in ended.said
    workshop.survived("two processes by one command", "extract slowly", ended, tmp_path)


@pytest.mark.parametrize("name", slow_but("prepare", "worlds", "prepare", "train", "extract", "bench"))
def test_a_clock_that_jumps_back_changes_nothing(name: str, workshop: Workshop, tmp_path: Path) -> None:
    _, seconds = workshop.undisturbed(name)
    running = workshop.start(name, tmp_path, before=lambda: shift_clock(DAY))
    time.sleep(0.5 * seconds)
    running.signal(signal.SIGKILL) if running.runs else None
    ended = running.wait()
    later = time.time() + DAY
    for path in tmp_path.rglob("*"):
        os.utime(path, (later, later))
    again = workshop.start(name, tmp_path, before=lambda: shift_clock(-DAY)).wait()
    assert again.code == 0, again.said
    workshop.survived("a clock that jumps back by two days, after kill -9", name, ended, tmp_path)


def shift_clock(by: float) -> None:
    now: Callable[[], float] = time.time
    time.time = lambda: now() + by


@pytest.mark.parametrize(
    ("name", "more"),
    [
        pytest.param("train", "data.workers=2", marks=pytest.mark.slow),
        pytest.param("bench", "workers=2", marks=pytest.mark.slow),
        pytest.param("extract slowly", "workers=2", marks=pytest.mark.long),
    ],
)
def test_a_worker_that_dies_is_one_line(name: str, more: str, workshop: Workshop, tmp_path: Path) -> None:
    running = workshop.start(name, tmp_path, more=[more])
    begun = BEGUN[name]
    assert running.until(lambda: any(map(has_bytes, tmp_path.glob(begun))))
    for worker in children(running.process)[-1:]:
        os.kill(worker, signal.SIGKILL)
    ended = running.wait()
    assert ended.code == 2, ended.said
    assert "region4d: a worker process was killed" in ended.said
    workshop.survived("kill -9 of a worker", name, ended, tmp_path, more=[more])


@pytest.mark.parametrize(
    ("name", "number", "code", "whole_group"),  # a terminal signals all processes, `kill` one
    [
        pytest.param("extract slowly", signal.SIGINT, 130, True, marks=pytest.mark.long),
        pytest.param("extract slowly", signal.SIGINT, 130, False, marks=pytest.mark.slow),
        pytest.param("extract slowly", signal.SIGTERM, 143, True, marks=pytest.mark.slow),
        pytest.param("extract slowly", signal.SIGTERM, 143, False, marks=pytest.mark.slow),
        pytest.param("bench", signal.SIGINT, 130, True, marks=pytest.mark.slow),
        pytest.param("bench", signal.SIGTERM, 143, False, marks=pytest.mark.slow),
    ],
)
def test_two_processes_stop_as_one(
    name: str, number: signal.Signals, code: int, whole_group: bool, workshop: Workshop, tmp_path: Path
) -> None:
    workshop.undisturbed(name)
    running = workshop.start(name, tmp_path, more=["workers=2"])
    assert running.until(lambda: any(map(has_bytes, tmp_path.glob(BEGUN[name]))))
    (os.killpg if whole_group else os.kill)(running.process, number)
    ended = running.wait()
    assert ended.code == code, ended.said
    assert ended.said.count("region4d: stopped; the same command continues from what is finished") == 1
    assert "Traceback" not in ended.said
    assert leftovers(tmp_path) == []
    workshop.survived(f"{number.name} to two processes", name, ended, tmp_path)


def children(process: int) -> list[int]:
    """List the worker processes of a process, but not the tracker of shared resources."""
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.slow
def test_a_batch_that_is_not_a_number_names_its_step_and_keeps_the_checkpoint(
    workshop: Workshop, tmp_path: Path
) -> None:
    from training.checkpoints import read_step

    ended = workshop.start("train", tmp_path, before=spoil).wait()
    assert ended.code == 2, ended.said
    assert "the loss of step 6 is nan" in ended.said.splitlines()[-1]
    assert read_step(tmp_path / "run" / "checkpoints" / "last.ckpt") == 4
    workshop.survived("a batch whose loss is not a number", "train", ended, tmp_path)


def spoil() -> None:
    """Make the loss of the sixth step not a number."""
    from training.sr3d.finetuning import SupervisedFineTuning

    step = SupervisedFineTuning.training_step

    def spoiled(self: SupervisedFineTuning, *words: object) -> torch.Tensor:
        loss: torch.Tensor = step(self, *words)  # type: ignore[arg-type]
        return loss * float("nan") if self.global_step == 5 else loss

    SupervisedFineTuning.training_step = spoiled  # type: ignore[method-assign, assignment]


def test_a_study_does_not_count_an_ended_child_as_finished(workshop: Workshop, tmp_path: Path) -> None:
    job = Job("job", tmp_path, (DyingOnce(tmp_path / "tried", tmp_path / "result"),))
    (failure,) = run_all([job], workers=1)
    assert "job: dying failed" in failure
    assert not job.finished
    assert run_all([job], workers=1) == []
    assert (tmp_path / "result").read_text() == "whole"
