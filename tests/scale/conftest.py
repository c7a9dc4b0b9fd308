"""Bounds of time and memory, and a table of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.programs.measured import Used, Within

DRAWING_S, DRAWING_MB = 0.5, 100.0  # a picture of at most 2,000 pixels a side, drawn, and the reader's tables
HEAD = "| input | s | MB | alone: s | MB |\n| --- | --- | --- | --- | --- |"


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where large input is written."""
    return tmp_path_factory.mktemp("large")


@pytest.fixture
def within(record_property: Callable[[str, object], None]) -> Within:
    """Refuse what takes more than `times` the time and memory of `alone`, beside those of a drawn picture."""

    def check(name: str, used: Used, alone: Used, times: float) -> None:
        row = f"| {name} | {used.seconds:.2f} | {used.memory:.0f} | {alone.seconds:.2f} | {alone.memory:.0f} |"
        record_property("size", row)
        assert used.seconds <= times * alone.seconds + DRAWING_S, row
        assert used.memory <= times * alone.memory + DRAWING_MB, row

    return check


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if rows := list(_rows(terminalreporter)):
        terminalreporter.section("time and memory, beside those of less input or of a library alone")
        terminalreporter.write_line("\n".join([HEAD, *rows]))


def _rows(terminalreporter: pytest.TerminalReporter) -> Iterator[object]:
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        if report.when == "call":
            yield from (value for name, value in report.user_properties if name == "size")
