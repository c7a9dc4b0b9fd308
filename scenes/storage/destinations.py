"""Checks, before long work, that its result can be written where it is asked for."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path


def refuse_existing(path: Path) -> None:
    """Raise FileExistsError where there is something at `path`: what was written before is not replaced."""
    if path.exists() or path.is_symlink():
        raise FileExistsError(f"{path} exists: choose another name or remove it")


def refuse_unwritable(path: Path) -> None:
    """Check that a new file or folder can be made. Folders that are missing are made only when it is written.

    Raises:
        FileExistsError: there is something at `path`.
        NotADirectoryError: what should be its folder is a file.
        PermissionError: nothing may be written there.
    """
    refuse_existing(path)
    _check_parent(path)


def check_file(path: Path, suffixes: Collection[str] = ()) -> None:
    """Check that a file can be written, or written anew; the name ends in one of `suffixes`, if any are given.

    Raises:
        ValueError: the name has another suffix.
        OSError: `path` is a folder, or cannot be written.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"'{path}' must end in {_listed(suffixes)}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, where a file is to be written; choose another name")
    if path.exists() and not path.is_file():  # a device
        if not os.access(path, os.W_OK):
            raise PermissionError(f"{path} cannot be written: no permission; choose another name")
        return
    _check_parent(Path(os.path.realpath(path)))


def check_folder(path: Path) -> None:
    """Check that files can be written into a folder, which is made when they are.

    Raises:
        OSError: `path` is not a folder, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file, where a folder is to be written; choose another name")
    _check_parent(path, path.absolute() / "file")


def _check_parent(path: Path, file: Path | None = None) -> None:
    """Check the nearest folder above a file, by default `path` itself, that exists."""
    folder = next(parent for parent in (file or path.absolute()).parents if parent.exists())
    if not folder.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {folder} is not a folder; choose another name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{path} cannot be written: no permission to write in {folder}; choose another name")


def _listed(suffixes: Collection[str]) -> str:
    *others, last = suffixes
    return f"{', '.join(others)} or {last}" if others else last
