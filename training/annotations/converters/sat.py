"""SAT (array/SAT on the Hub): Parquet with pictures inside, a question, its choices and the correct one.

Source: SAT (arXiv 2412.07755), appendix A.3: "Choose between the following options: ..., or ...".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scenes.storage.atomic import new_file

COLUMNS = ("image_bytes", "question", "answers", "correct_answer")
ROWS = 64  # read at once


def from_sat(source: Path, media: Path) -> Iterator[Mapping[str, Any] | str]:
    """Convert rows, and write their pictures into `media`, each once.

    Raises:
        ImportError: pyarrow is missing.
        OSError, ValueError: the file is not Parquet with the columns of SAT.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise ImportError("SAT is Parquet; pip install 'region4d[lerobot]' for pyarrow") from error
    try:
        table = parquet.ParquetFile(source)
    except ArrowException as error:
        raise ValueError(f"'{source}' is not Parquet: {error}") from error
    if missing := [name for name in COLUMNS if name not in table.schema_arrow.names]:
        raise ValueError(f"'{source}' lacks the column {missing[0]} of SAT")
    media.mkdir(parents=True, exist_ok=True)
    for batch in table.iter_batches(ROWS, columns=list(COLUMNS)):
        for row in batch.to_pylist():
            pictures = [str(_write(_bytes(picture), media)) for picture in row["image_bytes"]]
            question = f"{row['question']} Choose between the following options: {', or '.join(row['answers'])}."
            yield {
                **({"image": pictures[0]} if len(pictures) == 1 else {"images": pictures}),
                "conversations": [[{"question": question, "answer": row["correct_answer"]}]],
                "licence": "MIT",
            }


def _bytes(picture: Any) -> bytes:
    return bytes(picture["bytes"] if isinstance(picture, Mapping) else picture)


def _write(content: bytes, folder: Path) -> Path:
    suffix = ".png" if content.startswith(b"\x89PNG") else ".jpg"
    path = folder / (hashlib.sha256(content).hexdigest()[:16] + suffix)
    if not path.exists():
        with new_file(path) as partial:
            partial.write_bytes(content)
    return path
