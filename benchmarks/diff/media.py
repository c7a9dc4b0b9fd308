"""Links from items of a report to their footage."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record

FIELDS = ("media", "video_path", "video", "image_path", "image", "file_name")
LONGEST = 1000  # characters: a longer value is a picture as text, not a path


def media_of(row: Mapping[str, Any]) -> str:
    """Find the path or the address of the footage in a row of a foreign log; empty without one."""
    values = (row.get(name) for name in FIELDS)
    return next((value for value in values if isinstance(value, str) and 0 < len(value) <= LONGEST), "")


def roots_of(manifest: Manifest | None) -> list[Path]:
    """List the folders of the benchmark that a run of this project was asked from."""
    task = manifest.config.get("task") if manifest is not None else None
    settings = task if isinstance(task, Mapping) else {}
    return [Path(str(settings[name])) for name in ("folder", "scenes") if settings.get(name)]


def media_link(record: Record, roots: Sequence[Path], report: Path) -> str:
    """Write the address of an item's footage for a report in a folder: a web address, or a path to what exists.

    Empty where the record names no footage, or where it is not found under one of the roots.
    """
    name = record.facts.get("media")
    if not isinstance(name, str) or not name:
        return ""
    if name.startswith(("https://", "http://")):
        return name
    found = next((root / name for root in roots if _exists(root / name)), None)
    return "" if found is None else quote(Path(os.path.relpath(found, report)).as_posix())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # the name is longer than names of files may be
        return False
