"""Answers while they are made: batches of records, appended by one process or by several, that a rerun continues.

A line of a part is one batch. A process that is killed leaves a line without an end, which the next one cuts off, so
that it loses the batch that it was answering and no other.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.records.manifest import Manifest, parse_manifest
from benchmarks.records.record import Record, format_record, parse_record, write_records
from scenes.storage.atomic import write_text
from scenes.storage.locks import locked

FOLDER, RUN = "parts", "run.json"


@dataclass(frozen=True)
class Shard:
    """One of `count` processes that share the batches of a task: it takes number `index`, `index + count`, ..."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"shard.index={self.index} of shard.count={self.count}: give an index from 0 to count - 1")

    def takes(self, batch: int) -> bool:
        """Whether a batch is its own."""
        return batch % self.count == self.index


class Parts:
    """The batches in a folder of records whose task is not answered to its end."""

    def __init__(self, output: Path) -> None:
        self.output, self.folder = output, output / FOLDER
        self._lock = output / f".{FOLDER}.lock"

    def begin(self, started: Manifest) -> Manifest:
        """Keep the provenance of a run that starts, or return that of the run that is continued.

        Raises:
            ValueError: the folder holds answers of another configuration or checkpoint.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / RUN
        with locked(self._lock, wait=True):
            if not path.is_file():
                write_text(path, json.dumps(asdict(started), indent=1))
            first = parse_manifest(path)
        plain: Any = json.loads(json.dumps(asdict(started)))
        if (first.config, first.checkpoint) != (plain["config"], plain["checkpoint"]):
            raise ValueError(
                f"{self.folder} holds unfinished answers of another configuration or checkpoint: name a new folder "
                "with output=..., or remove it"
            )
        return first

    def answered(self) -> frozenset[int]:
        """List the batches that are whole."""
        return frozenset(self._places())

    @contextmanager
    def writing(self, shard: Shard) -> Iterator[IO[bytes]]:
        """Open the part of a process, to `append` to.

        Raises:
            ValueError: another process is writing it.
        """
        path = self.folder / f"{shard.index}-of-{shard.count}.jsonl"
        with locked(path.with_suffix(".lock")) as held:
            if not held:
                raise ValueError(f"another process answers shard {shard.index} of {shard.count} in {self.folder}")
            try:
                with path.open("a+b") as file:
                    _cut_unfinished_line(file)
                    yield file
            finally:
                if path.is_file() and not path.stat().st_size:
                    path.unlink()

    def records(self) -> Iterator[Record]:
        """Read the records of all whole batches, in the order of the batches; memory holds one batch."""
        for batch, (path, start) in sorted(self._places().items()):
            with path.open("rb") as file:
                file.seek(start)
                lines = json.loads(file.readline())["records"]
            yield from (parse_record(line, f"{path} batch {batch}") for line in lines)

    def merge(self, batches: int, manifest: Manifest) -> bool:
        """Write the records and the manifest of a task of so many batches, and remove the parts.

        Returns whether they are written, by this process or another one; False where batches are missing.
        """
        done = self.output / f".{FOLDER}.done"
        with locked(self._lock, wait=True):
            if (self.folder / RUN).is_file():
                if not self.answered() >= set(range(batches)):
                    return False
                write_records(self.output, self.records(), manifest)
                shutil.rmtree(done, ignore_errors=True)  # of a process that was killed while it removed it
                self.folder.rename(done)  # in one step: never half of the parts
            shutil.rmtree(done, ignore_errors=True)
        return True

    def leave_nothing(self) -> None:
        """Remove what `begin` made if no batch was answered, and no other process is answering one."""
        if not self.output.is_dir():  # removed in the meantime
            return
        with locked(self._lock, wait=True):
            if self.folder.is_dir() and not any(self.folder.glob("*-of-*")):
                shutil.rmtree(self.folder)
        if not any(self.output.iterdir()):
            self.output.rmdir()

    def _places(self) -> Mapping[int, tuple[Path, int]]:
        """Find where the line of every whole batch starts."""
        places: dict[int, tuple[Path, int]] = {}
        for path in sorted(self.folder.glob("*-of-*.jsonl")):
            with path.open("rb") as file:
                start = 0
                for line in file:
                    if line.endswith(b"\n"):
                        places.setdefault(_number_of(line, path), (path, start))
                    start += len(line)
        return places


def append(file: IO[bytes], batch: int, records: Iterable[Record]) -> None:
    """Write one batch as one line, to the disk."""
    line = json.dumps({"batch": batch, "records": [format_record(record) for record in records]}, ensure_ascii=False)
    file.write(line.encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _number_of(line: bytes, path: Path) -> int:
    head = line[:40].partition(b",")[0] + b"}"
    try:
        return int(json.loads(head)["batch"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} has a line that is not a batch: remove it and answer again") from None


def _cut_unfinished_line(file: IO[bytes]) -> None:
    file.seek(0)
    whole = 0
    for line in file:
        whole += len(line) if line.endswith(b"\n") else 0
    file.truncate(whole)
    file.seek(0, os.SEEK_END)
