"""One process writes into a folder at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scenes.storage.locks import locked, sole_maker, sole_writer

HOLD = "import sys; from pathlib import Path; from scenes.storage import locks\n"
HOLD += "with getattr(locks, sys.argv[1])(Path(sys.argv[2])): print('held', flush=True); sys.stdin.read()"


@contextmanager
def another_process(kind: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold a path in another process, which is killed at the end."""
    command = [sys.executable, "-c", HOLD, kind, str(path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
    finally:
        other.kill()
        other.communicate()


@pytest.mark.long
def test_a_second_writer_is_refused_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    refused = pytest.raises(ValueError, match=r"another process is writing .*run; wait for it, or choose another name")
    with another_process("sole_writer", folder), refused, sole_writer(folder):
        pytest.fail("two hold it")
    assert (folder / ".lock").exists()  # of the killed one
    with sole_writer(folder):
        (folder / "a").touch()
    assert [path.name for path in folder.iterdir()] == ["a"]


@pytest.mark.long
def test_a_second_maker_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lifted"
    refused = pytest.raises(ValueError, match="another process is writing")
    with another_process("sole_maker", path), refused, sole_maker(path):
        pytest.fail("two make it")
    with sole_maker(path):
        path.mkdir()
    assert [each.name for each in path.parent.iterdir()] == ["lifted"]
    with pytest.raises(FileExistsError, match="lifted exists"), sole_maker(path):
        pytest.fail("it exists")


def test_a_writer_that_writes_nothing_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong setting"), sole_writer(tmp_path / "run"):
        raise ValueError("wrong setting")
    assert list(tmp_path.iterdir()) == []


def test_who_waits_for_a_lock_takes_over_though_its_file_is_removed(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with locked(tmp_path / "a.lock", wait=True) as held:
                assert held
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert list(tmp_path.iterdir()) == []
