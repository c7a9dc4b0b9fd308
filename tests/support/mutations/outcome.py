"""What became of a damaged input: read and usable, refused in one line that names it, or what must not happen."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

LOADED, REFUSED = "loaded and usable", "refused in one line"
SEED = 27


def survives(
    load: Callable[[Path], Any],
    use: Callable[[Any], Any],
    whole: Path,
    scratch: Path,
    count: int,
    damage: Callable[[Path, Random], str],
) -> None:
    """Damage copies of a folder, and fail with what must not happen, each with the seed that makes it again."""
    became = outcome(load, use, whole)
    assert became == LOADED, became
    found, ends = [], set()
    for number in range(SEED, SEED + count):
        folder = scratch / f"damaged{number}"
        shutil.copytree(whole, folder)
        done = damage(folder, Random(number))
        ends.add(end := outcome(load, use, folder))
        if end not in (LOADED, REFUSED):
            found.append(f"seed {number}: {done}: {end}")
        shutil.rmtree(folder)
    if found:
        pytest.fail("\n".join([f"{len(found)} of {count} end otherwise:", *found]), pytrace=False)
    assert ends == {LOADED, REFUSED}


class StuckError(BaseException):
    """A case did not end in time."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Interrupt what takes longer."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise StuckError(f"no end in {seconds} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(load: Callable[[Path], Any], use: Callable[[Any], Any], folder: Path) -> str:
    """Load a folder and use what it holds: LOADED, REFUSED, or a description of what must not happen."""
    try:
        with within(8):
            loaded = load(folder)
    except (ValueError, OSError, ImportError) as error:
        said = str(error)
        if "\n" in said.strip():
            return f"more than one line: {said!r}"
        return REFUSED if folder.name in said else f"does not name its file: {type(error).__name__}: {said}"
    except (Exception, StuckError) as error:  # noqa: BLE001 - these are what is looked for
        return f"ends otherwise: {type(error).__name__}: {str(error)[:200]}"
    try:
        with within(8):
            use(loaded)
    except (Exception, StuckError) as error:  # noqa: BLE001 - as above
        return f"is not usable: {type(error).__name__}: {str(error)[:200]}"
    return LOADED
