"""Lines of text that a run, or another tool, has written, compressed or not; damage is one line that names the file."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from scenes.storage.atomic import new_file

# of xz: the window of preset 9, 64 MiB, holds the same question of another arm; long matches save a quarter of the size
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "nice_len": 273, "depth": 30}]


def read_lines(path: Path) -> Iterator[str]:
    """Read the lines of a file, which is compressed if its name ends in ".xz".

    Raises:
        ValueError: it is cut, or another kind of file.
    """
    try:
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
            yield from TextIOWrapper(file, encoding="utf-8-sig", newline="")  # a cell of a table may hold a line end
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(
            f"{path} is truncated, or not an archive: write it again with `region4d records archive`"
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text (UTF-8): it is damaged, or another kind of file") from error


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a compressed file of lines, atomically."""
    with new_file(path) as draft, lzma.open(draft, "wt", encoding="utf-8", filters=FILTERS) as file:
        file.writelines(lines)


def parse_json(text: str, where: str, cure: str) -> Any:
    """Parse a document; `where` and `cure` are what the error says of it.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        reason = "nested too deeply"
    except json.JSONDecodeError as error:
        reason = error.msg
    except ValueError as error:  # a number of thousands of digits
        reason = str(error)
    raise ValueError(f"{where} is not JSON ({reason}): {cure}")
