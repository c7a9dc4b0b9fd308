"""Files and folders that appear under their name when they are complete, and never half."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_file(path: str | Path) -> Iterator[Path]:
    """Give a draft beside `path`, with its suffix, to write; it replaces `path` when all went well.

    Where something is raised, `path` stays as it was and no draft remains.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) in one step."""
    with new_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Give a draft folder beside `path` to write into, and rename it to `path` when all went well.

    Where something is raised, nothing remains. Raises FileExistsError where `path` exists.
    """
    path = Path(path)
    refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield draft
        draft.chmod(0o755)  # mkdtemp makes it private
        os.rename(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # gone already if all went well


def refuse_existing(path: Path) -> None:
    """Raise FileExistsError where there is something at `path`: what was written before is not replaced."""
    if path.exists():
        raise FileExistsError(f"{path} exists: choose another name or remove it")


def refuse_unwritable(path: Path) -> None:
    """Check before long work that a new file can be written at its end. Folders that are missing are made only then.

    Raises:
        FileExistsError: there is something at `path`.
        NotADirectoryError: what should be its folder is a file.
        PermissionError: nothing may be written there.
    """
    refuse_existing(path)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {folder} is not a folder; choose another name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{path} cannot be written: no permission to write in {folder}; choose another name")
