"""Trainings that are stopped, and two in one folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from training.interruption import TERMINATED, default_sigterm, ended_by_sigterm, sole_training

HOLD = "import sys; from pathlib import Path; from training.interruption import sole_training\n"
HOLD += "with sole_training(Path(sys.argv[1]), True): print('held', flush=True); sys.stdin.read()"


def test_sigterm_is_an_exit_with_143_and_the_handler_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, ended_by_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == TERMINATED == 143
    with ended_by_sigterm(), default_sigterm():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_thread_can_train_too() -> None:
    done = []

    def work() -> None:
        with ended_by_sigterm(), default_sigterm():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


@pytest.mark.long
def test_one_process_at_a_time_trains_in_a_folder(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match="another process trains in"), sole_training(tmp_path, True):
            pass
        with sole_training(tmp_path, False):  # another process of the same training
            pass
    finally:
        other.kill()
        other.communicate()
    with sole_training(tmp_path, True):  # a killed process holds nothing
        pass
