"""Which paths a visitor may open: those inside the folders of `--folder`, after all links."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from scenes.readers.image_files import IMAGE_SUFFIXES
from scenes.readers.rgbd import is_rgbd_folder

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".ts", ".webm"})
MOST_LISTED, DEEPEST = 200, 3


def allowed_path(text: str, folders: Sequence[Path]) -> Path:
    """Find the file or folder that a visitor names, relative to one of `folders` or absolute.

    Raises:
        ValueError: it is not inside of `folders`, also through links, or there is no such file or folder.
    """
    if not folders:
        raise ValueError("this server opens no folders; start it with --folder FOLDER")
    roots = [folder.resolve() for folder in folders]
    inside = [path for root in roots if _within(path := (root / text.strip()).resolve(), roots)]
    if not inside or not text.strip():
        raise ValueError(f"'{text}' is not inside the folders of this server; {_some(folders)}")
    found = [path for path in inside if path.exists()]
    if not found:
        raise ValueError(f"there is no '{text}' in the folders of this server; {_some(folders)}")
    _refuse_links_outside(found[0], roots, text)
    return found[0]


def listed_footage(folders: Sequence[Path]) -> list[str]:
    """List the RGB-D folders, videos and pictures of `folders`, three levels deep, at most 200 of them."""
    return list(
        islice((name for folder in folders for name in _footage(folder.resolve(), Path(), DEEPEST)), MOST_LISTED)
    )


def _footage(root: Path, below: Path, deeper: int) -> Iterator[str]:
    for path in sorted((root / below).iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        name = below / path.name
        if path.is_dir():
            if is_rgbd_folder(path):
                yield str(name)
            elif deeper > 1:
                yield from _footage(root, name, deeper - 1)
        elif path.suffix.lower() in VIDEO_SUFFIXES | IMAGE_SUFFIXES:
            yield str(name)


def _some(folders: Sequence[Path]) -> str:
    names = list(islice(listed_footage(folders), 5))
    return f"it has {', '.join(names)}" if names else "it has no footage"


def _within(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _refuse_links_outside(path: Path, roots: Sequence[Path], text: str) -> None:
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            entry = Path(folder, name)
            if entry.is_symlink() and not _within(entry.resolve(), roots):
                raise ValueError(f"'{text}' has a link that leaves the folders of this server: {name}; remove it")
