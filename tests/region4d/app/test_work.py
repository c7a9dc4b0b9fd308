"""Work on a thread of its own: reports, results, errors, and its end when nobody waits any more."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from region4d.app.work import Done, Report, Step, steps

PATIENCE = 20.0  # seconds


def test_reports_come_before_the_result() -> None:
    seen = threading.Event()

    def work(report: Report) -> int:
        report("counting", 0.5)
        assert seen.wait(PATIENCE)
        return 7

    messages = steps(work)
    assert next(messages) == Step("counting", 0.5)
    seen.set()
    assert list(messages) == [Done(7)]


def test_an_error_of_the_work_is_raised_where_its_messages_are_read() -> None:
    def work(_report: Report) -> None:
        raise ValueError("no object is marked")

    with pytest.raises(ValueError, match="no object is marked"):
        list(steps(work))


def test_work_ends_at_its_next_report_once_nobody_waits_for_it() -> None:
    left, ended, went_on = threading.Event(), threading.Event(), threading.Event()

    def work(report: Report) -> None:
        try:
            report("first", 0.1)
            assert left.wait(PATIENCE)
            report("second", 0.2)
            went_on.set()
        finally:
            ended.set()

    with closing(steps(work)) as messages:
        assert next(messages) == Step("first", 0.1)
    left.set()
    assert ended.wait(PATIENCE)
    assert not went_on.is_set()


def test_an_error_that_nobody_foresaw_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _args: None)

    def work(_report: Report) -> None:
        raise KeyError("a fault")

    with pytest.raises(RuntimeError, match="which the terminal of the server shows"):
        list(steps(work))
