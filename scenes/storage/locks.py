"""Locks: one process writes into a folder. They end with their process, and leave no file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from scenes.storage.atomic import remove_leftovers
from scenes.storage.destinations import check_folder, refuse_unwritable

NAME = ".lock"


@contextmanager
def locked(file: Path, wait: bool = False) -> Iterator[bool]:
    """Hold a lock file while the block runs; yields False, at once, if another process holds it and `wait` is not set.

    The file is removed at the end. What a killed process leaves is nobody's, and the next one takes it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        file.unlink(missing_ok=True)  # while it is held: filelock notices that a file it waited for has lost its name
        lock.release()


@contextmanager
def sole_writer(folder: Path, name: str = NAME) -> Iterator[None]:
    """Make a folder, unless it exists, and be the only process that writes into it. If nothing is written, it goes.

    Raises:
        ValueError: another process does.
        OSError: nothing can be written there.
    """
    check_folder(folder)
    made = not folder.exists()
    try:
        with locked(folder / name) as held:
            if not held:
                raise ValueError(_taken(folder))
            remove_leftovers(folder)
            yield
    finally:
        if made:
            with suppress(OSError):  # something was written
                folder.rmdir()


@contextmanager
def sole_maker(path: Path) -> Iterator[None]:
    """Be the only process that makes a new file or folder; nothing is at `path` until it is complete.

    Raises:
        ValueError: another process makes it.
        OSError: it exists, or cannot be written.
    """
    refuse_unwritable(path)
    with locked(path.with_name(f".{path.name}{NAME}")) as held:
        if not held:
            raise ValueError(_taken(path))
        refuse_unwritable(path)
        yield


def _taken(path: Path) -> str:
    return f"another process is writing {path}; wait for it, or choose another name"
