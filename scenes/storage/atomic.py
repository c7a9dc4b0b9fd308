"""Files and folders that appear under their name when they are complete, and never half.

A draft lies beside its target as `.NAME.draft-MACHINE-PROCESS-NUMBER`, goes to the disk (fsync) and is renamed. A
process that is killed leaves its draft; the next process that writes into the folder removes it.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from safetensors import SafetensorError

from scenes.storage.destinations import refuse_existing

DRAFT = re.compile(r"\..*\.draft-([0-9a-f]{8})-([0-9]+)-[0-9]+(\.[^.]*)?")
FULL = (errno.ENOSPC, errno.EDQUOT)
NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # of file systems that cannot wait for the disk
_numbers = itertools.count()


@contextmanager
def new_file(path: str | Path) -> Iterator[Path]:
    """Give a draft beside `path`, with its suffix, to write; it replaces `path` when all went well.

    Where something is raised, `path` stays as it was and no draft remains. Of a link, the file that it names is
    replaced. A device or a pipe (/dev/null) is written to as it is.

    Raises:
        OSError: the disk is full, `path` is a folder, or its folder was removed.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, where a file is to be written; choose another name")
    if path.exists() and not path.is_file():
        with _explained(path):
            yield path
        return
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    _clean_once(target.parent)
    draft = _draft_of(target)
    try:
        with _explained(path):
            yield draft
            _to_disk(draft)
            if target.exists():
                shutil.copymode(target, draft)
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) in one step."""
    with new_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Give a draft folder beside `path` to write into, and rename it to `path` when all went well.

    Where something is raised, nothing remains. Raises FileExistsError where `path` exists; else as `new_file`.
    """
    path = Path(path)
    refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _clean_once(path.parent.resolve())
    draft = _draft_of(path)
    try:
        with _explained(path):
            draft.mkdir()
            yield draft
            for folder, _, names in os.walk(draft):
                for name in names:
                    _to_disk(Path(folder, name))
            refuse_existing(path)  # of another process, meanwhile
            draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # gone already if all went well


def remove_leftovers(folder: Path) -> None:
    """Remove the drafts in a folder whose processes, of this machine, have ended; none where there is no folder."""
    if not folder.is_dir():
        return
    for entry in os.scandir(folder):
        draft = DRAFT.fullmatch(entry.name)
        if draft is None or draft[1] != _machine() or _lives(int(draft[2])):
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            with suppress(OSError):  # of another user, or removed by another process
                os.unlink(entry.path)


@cache
def _clean_once(folder: Path) -> None:
    """Remove leftovers in a folder, once a process: it may hold thousands of files, each written on its own."""
    remove_leftovers(folder)


@cache
def _machine() -> str:
    """Name the machine, or the container, in which process numbers are known."""
    space = Path("/proc/self/ns/pid")
    name = f"{socket.gethostname()} {os.readlink(space) if space.is_symlink() else ''}"
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.stem[:60]}.draft-{_machine()}-{os.getpid()}-{next(_numbers)}{path.suffix}")


def _to_disk(file: Path) -> None:
    """Wait until a file is on the disk, so that a machine that stops leaves no empty file under the final name."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(handle)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Name the file in errors of a full disk, which libraries raise as types of their own, and of a removed folder."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if _is_full(error):
            raise OSError(f"{path} cannot be written: the disk is full; free space and run it again") from error
        if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
            raise FileNotFoundError(f"{path} cannot be written: its folder was removed in the meantime") from error
        raise


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if getattr(error, "errno", None) in FULL or any(f"os error {code}" in str(error) for code in FULL):
            return True
        error = error.__context__
    return False
