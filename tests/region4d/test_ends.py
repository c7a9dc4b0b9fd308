"""Signals that end a command."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from region4d.ends import TERMINATED, ended_by_sigterm


def test_sigterm_is_an_exit_with_143_and_the_handler_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, ended_by_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == TERMINATED == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_thread_can_work_too() -> None:
    done = []

    def work() -> None:
        with ended_by_sigterm():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
