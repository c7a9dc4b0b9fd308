"""Shards are written once, whoever else renders the same store, and a killed process leaves nothing behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from torch import Tensor

from scenes.storage.shards import ShardStore
from tests.support.drafts import dead_draft


class Squares(ShardStore[int]):
    """Squares of numbers, three in a shard; counts on disk what it generates."""

    def __init__(self, root: Path, count: int = 8) -> None:
        super().__init__("squares", range(count), root, size=3)

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        with (self.folder / "log").open("a") as log:
            log.write(f"{seeds.start}\n")
        return {"square": torch.arange(seeds.start, seeds.stop) ** 2}, None

    def read(self, file: Any, row: int, seed: int) -> int:
        return int(file.get_slice("square")[row])


def generated(store: Squares) -> list[int]:
    return sorted(int(line) for line in (store.folder / "log").read_text().split())


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_every_shard_is_generated_once(tmp_path: Path, workers: int) -> None:
    store = Squares(tmp_path)
    for _ in range(2):
        store.render(workers)
    assert list(store) == [k**2 for k in range(8)]
    assert generated(store) == [0, 3, 6]


def test_a_single_missing_shard_is_made_in_this_process_on_one_thread(tmp_path: Path) -> None:
    class Watched(Squares):
        def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
            threads.append(torch.get_num_threads())  # another process would not reach this list
            return super().generate(seeds)

    threads: list[int] = []
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        Watched(tmp_path, count=3).render(workers=2)
        assert (threads, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("ending", ["done", "killed"])
def test_a_shard_that_another_holds_comes_last_and_is_made_only_if_the_other_did_not(
    tmp_path: Path, ending: str
) -> None:
    store, other = Squares(tmp_path), Squares(tmp_path)
    store.folder.mkdir()
    path = store.folder / "shard-000000.safetensors"
    with ThreadPoolExecutor(1) as pool, FileLock(path.with_suffix(".lock")):
        rendering = pool.submit(store.render, 1)
        assert not wait([rendering], timeout=1).done
        assert generated(store) == [3, 6]
        if ending == "done":
            other._write(0)
            (store.folder / "log").unlink()
    rendering.result(60)
    assert path.is_file()
    assert ("log" in {file.name for file in store.folder.iterdir()}) == (ending == "killed")
    assert list(store) == [k**2 for k in range(8)]


def test_drafts_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    store = Squares(tmp_path)
    store.folder.mkdir()
    left = dead_draft(store.folder / "shard-000001.safetensors")
    left.write_bytes(b"half")
    store.render(workers=1)
    assert not left.exists()
    shards = [f"shard-00000{k}.safetensors" for k in range(3)]
    assert sorted(path.name for path in store.folder.iterdir()) == ["log", *shards]  # no lock, either
