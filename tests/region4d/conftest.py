import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from region4d.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for rendered worlds that tests share."""
    return tmp_path_factory.mktemp("worlds")


@pytest.fixture
def region4d(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: (exit code, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["region4d", *words])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capfd.readouterr()
        return int(exit_.value.code or 0), out, err

    return run
