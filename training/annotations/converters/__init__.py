"""From published layouts to files of training data: every converter yields lines, or says why one is left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenes.storage.atomic import new_file
from training.annotations.converters.llava import from_llava
from training.annotations.converters.sat import from_sat
from training.annotations.converters.spar import from_spar
from training.annotations.converters.spatial_rgpt import from_spatial_rgpt
from training.annotations.line import parse_line

Converter = Callable[[Path, Path], Iterator[Mapping[str, Any] | str]]
CONVERTERS: Mapping[str, Converter] = {
    "llava": from_llava,
    "spar": from_spar,
    "spatial_rgpt": from_spatial_rgpt,
    "sat": from_sat,
}


@dataclass
class Conversion:
    """How many lines were written, and why samples were left out."""

    written: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def convert(layout: str, source: Path, media: Path, output: Path) -> Conversion:
    """Convert a data set; every line that is written has been parsed.

    Args:
        layout: one of `CONVERTERS`.
        source: its file of annotations.
        media: folder of its pictures and videos; those that the annotations hold themselves are written there.
        output: the file, written whole or not at all.

    Raises:
        ImportError: the layout needs a package that is missing.
        OSError: the source does not exist.
        ValueError: the source is not of this layout, or nothing of it can be used.
    """
    return write_lines(CONVERTERS[layout](source, media.resolve()), output, str(source))


def write_lines(lines: Iterable[Mapping[str, Any] | str], output: Path, source: str) -> Conversion:
    """Write lines of training data, each of which is parsed first; a text says why there is no line.

    Raises:
        ValueError: no line can be used; `source` names where they come from.
    """
    done = Conversion()
    with new_file(output) as partial, partial.open("w") as file:
        for line in lines:
            if isinstance(line, str):
                done.left_out[line] += 1
                continue
            text = json.dumps(line, ensure_ascii=False)
            try:
                parse_line(text)
            except ValueError as error:
                done.left_out[str(error)] += 1
                continue
            file.write(text + "\n")
            done.written += 1
        if not done.written:
            reasons = "; ".join(f"{count} x {reason}" for reason, count in done.left_out.most_common(3))
            raise ValueError(f"nothing of '{source}' can be used: {reasons or 'it has no samples'}")
    return done
