"""Generated items on disk: safetensors shards, written once by several processes and read by memory map."""

from __future__ import annotations

import json
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from scenes.storage.atomic import new_file
from scenes.storage.locks import locked

SHARD = 128  # items in a file
NOTE = "shard"  # metadata entry: one, because safetensors shuffles several
Item = TypeVar("Item")


class ShardStore(ABC, Generic[Item]):
    """A sequence of items, one for each seed; `store[i]` reads one item from its shard.

    Shards of `size` items (SHARD by default) lie in a folder named after `key` (`cache_key`), a hash of everything that
    determines their bytes, so that a changed generator never reads old files. Stores with overlapping seeds share
    shards. Several processes may render at once and may be stopped: each takes shards that nobody holds, a file under
    its final name is complete, and a killed process gives its lock back.
    """

    work: ClassVar[str] = "rendering worlds"  # beside the progress bar
    method: ClassVar[str] = "render"  # to call where shards are missing

    def __init__(self, key: str, seeds: range, root: Path, size: int | None = None) -> None:
        if seeds.step != 1 or seeds.start < 0 or not len(seeds):
            raise ValueError(f"seeds must be a range of consecutive numbers from 0 upwards, got {seeds}")
        self.key, self.seeds, self.folder, self.size = key, seeds, root / key, size or SHARD
        self._open: dict[int, Any] = {}

    @abstractmethod
    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        """Generate the items of these seeds: the tensors of their shard, and a JSON note about it."""

    @abstractmethod
    def read(self, file: Any, row: int, seed: int) -> Item:
        """Read one item from an open shard, and only its bytes."""

    def __len__(self) -> int:
        return len(self.seeds)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}}  # memory maps stay in their process

    def __iter__(self) -> Iterator[Item]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Item:
        """Read the item of the index-th seed.

        Raises:
            FileNotFoundError: its shard is not rendered yet.
            ValueError: its shard is damaged, or holds other items.
        """
        shard, row = divmod(self.seeds[index], self.size)
        if shard not in self._open:
            self._open[shard] = self._load(shard)
        return self.read(self._open[shard], row, self.seeds[index])

    def render(self, workers: int | None = None) -> None:
        """Render the missing and damaged shards, with a progress bar; after a stop, another call continues.

        `workers` processes share the work, by default one a core; this process makes a single shard, because another
        one would first have to import everything. Returns when all shards exist, whoever wrote them.
        """
        workers = workers or os.cpu_count() or 1
        missing = self._missing()
        if not missing:
            return
        alone = min(workers, len(missing)) <= 1
        self.folder.mkdir(parents=True, exist_ok=True)
        columns = (TextColumn(self.work), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as progress:
            task = progress.add_task("", total=len(missing) * self.size)
            for made in self._make_here(missing, workers) if alone else self._make_in_pool(missing, workers):
                progress.advance(task, made * self.size)
            for shard in self._missing():  # others are at these
                self._make(shard, wait=True)
            progress.update(task, completed=len(missing) * self.size)

    def _make_here(self, shards: Sequence[int], workers: int) -> Iterator[bool]:
        """Make shards in this process, on one thread in place of a pool of one, so that the bytes are the same."""
        before = torch.get_num_threads()
        torch.set_num_threads(before if workers <= 1 else 1)
        try:
            yield from map(self._make, shards)
        finally:
            torch.set_num_threads(before)

    def _make_in_pool(self, shards: Sequence[int], workers: int) -> Iterator[bool]:
        pool = ProcessPoolExecutor(min(workers, len(shards)), get_context("spawn"), initializer=start_process)
        try:
            for done in as_completed([pool.submit(self._make, shard) for shard in shards]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _make(self, shard: int, wait: bool = False) -> bool:
        """Write a shard that is missing, unless another process is at it; or `wait` until that one is done or dead."""
        with locked(self._path(shard).with_suffix(".lock"), wait) as held:
            if held and not self._is_whole(shard):
                self._write(shard)
        return held

    def _write(self, shard: int) -> None:
        """Write one shard in one step, so that a file under its final name is complete."""
        tensors, note = self.generate(range(shard * self.size, (shard + 1) * self.size))
        with new_file(self._path(shard)) as draft:
            save_file(tensors, draft, {NOTE: json.dumps({"key": f"{self.key}/{shard}", "note": note})})

    def _shards(self) -> range:
        return range(self.seeds[0] // self.size, self.seeds[-1] // self.size + 1)

    def _missing(self) -> list[int]:
        return [shard for shard in self._shards() if not self._is_whole(shard)]

    def _path(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:06d}.safetensors"

    def _is_whole(self, shard: int) -> bool:
        try:
            self._load(shard)
        except (FileNotFoundError, ValueError):
            return False
        return True

    def _load(self, shard: int) -> Any:
        path = self._path(shard)
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist yet; call {type(self).__name__}.{self.method}() first")
        again = f"call {type(self).__name__}.{self.method}() again"
        try:
            file = safe_open(path, "pt")
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged ({error}): {again}") from error
        found = _metadata(file)["key"]
        if found != f"{self.key}/{shard}":
            raise ValueError(f"{path} holds {found}, not {self.key}/{shard}: {again}")
        return file


def start_process() -> None:
    """Use one thread, and end at once on Ctrl-C: the shard that is cut is a draft, and the next call makes it again."""
    torch.set_num_threads(1)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def shard_note(file: Any) -> Any:
    """Return the note that the generator wrote about an open shard."""
    return _metadata(file)["note"]


@cache
def _metadata(file: Any) -> dict[str, Any]:
    """Parse the metadata of an open shard, once."""
    metadata: dict[str, Any] = json.loads((file.metadata() or {}).get(NOTE, '{"key": "something else"}'))
    return metadata
