"""Signals and closed outputs: the promised exit code and line, and the same command continues."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.faults.workshop import Workshop, leftovers

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
STOPPED = "region4d: stopped; the same command continues from what is finished\n"
QUICK = ("worlds", "prepare")
LONG = ("train", "extract", "bench", "compare")
CASES = [("prepare", signal.SIGTERM, 143), ("prepare", signal.SIGINT, 130)]


@pytest.mark.parametrize(
    ("name", "number", "code"),
    [
        pytest.param(name, number, code, marks=[] if (name, number, code) in CASES else pytest.mark.slow)
        for name in (*QUICK, *LONG)
        for number, code in SIGNALS
    ],
)
def test_a_stopped_command_says_so_and_continues_to_the_same_bytes(
    name: str, number: signal.Signals, code: int, workshop: Workshop, tmp_path: Path
) -> None:
    _, seconds = workshop.undisturbed(name)
    for attempt in range(6):
        folder = tmp_path / str(attempt)
        running = workshop.start(name, folder)
        time.sleep(0.5 * seconds / 2**attempt)
        if running.runs:
            running.signal(number)
            ended = running.wait()
            if ended.code:  # else it had just finished
                break
        else:
            running.wait()
    assert ended.code == code, ended.said
    assert STOPPED in ended.said
    assert leftovers(folder) == []
    workshop.survived(number.name, name, ended, folder)


@pytest.mark.parametrize("name", ["prepare", pytest.param("bench", marks=pytest.mark.slow)])
def test_a_full_output_is_one_line_and_results_are_written(name: str, workshop: Workshop, tmp_path: Path) -> None:
    ended = workshop.start(name, tmp_path, output=os.open("/dev/full", os.O_WRONLY)).wait()
    assert ended.code == 2, ended.said
    assert "No space left on device" in ended.said.splitlines()[-1]
    assert "Traceback" not in ended.said
    workshop.survived("output to a full disk (/dev/full)", name, ended, tmp_path)


@pytest.mark.parametrize("name", ["prepare", pytest.param("bench", marks=pytest.mark.slow)])
def test_a_reader_that_has_read_enough_is_no_error_to_speak_of(name: str, workshop: Workshop, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = workshop.start(name, tmp_path, output=writer).wait()
    os.close(writer)
    assert ended.code == 1, ended.said
    assert "region4d:" not in ended.said
    assert "Traceback" not in ended.said
    workshop.survived("a reader that went (`head`)", name, ended, tmp_path)


def test_a_closed_output_is_refused_before_the_work(workshop: Workshop, tmp_path: Path) -> None:
    words = f"{sys.executable} -m region4d worlds -o {tmp_path / 'rooms'} >&-"
    done = subprocess.run(["sh", "-c", words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "region4d: standard output is closed; send it to a file, or to /dev/null\n"
    assert not (tmp_path / "rooms").exists()
