"""The command line as tests run it."""

import logging
import sys
from collections.abc import Callable

import pytest

from region4d.cli import main

Run = Callable[..., tuple[int, str, str]]  # words -> (exit code, standard output, standard error)


@pytest.fixture
def region4d(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: (exit code, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["region4d", *words])
        for handler in list(logging.root.handlers):  # of a library that began to log in an earlier test
            if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
                logging.root.removeHandler(handler)
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capfd.readouterr()
        return int(exit_.value.code or 0), out, err

    return run


def assert_one_line(result: tuple[int, str, str], *words: str) -> None:
    code, out, err = result
    assert code == 2, err
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("region4d: ")
    for word in words:
        assert word in err
