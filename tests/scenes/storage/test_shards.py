"""Items on disk: each generated once, read alone, and never under the name of another generator."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from scenes.storage import shards
from scenes.storage.shards import ShardStore, shard_note


class Squares(ShardStore[tuple[int, str]]):
    """The square of each seed, and a word about its shard. `made` lists the shards that were generated."""

    def __init__(self, seeds: range, root: Path, key: str = "squares") -> None:
        super().__init__(key, seeds, root)
        self.made: list[range] = []

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        self.made.append(seeds)
        return {"square": torch.tensor([seed**2 for seed in seeds])}, f"from {seeds.start}"

    def read(self, file: Any, row: int, seed: int) -> tuple[int, str]:
        return int(file.get_slice("square")[row]), shard_note(file)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 4)


def test_items_follow_their_seeds_across_shards(tmp_path: Path) -> None:
    store = Squares(range(3, 9), tmp_path)
    store.render(workers=1)
    assert list(store) == [(9, "from 0"), *((n**2, "from 4") for n in (4, 5, 6, 7)), (64, "from 8")]
    assert len(store) == 6
    assert store[-1] == (64, "from 8")


def test_stores_of_overlapping_seeds_share_shards(tmp_path: Path) -> None:
    Squares(range(4), tmp_path).render(workers=1)
    wider = Squares(range(8), tmp_path)
    wider.render(workers=1)
    assert wider.made == [range(4, 8)]
    wider.render(workers=1)
    assert len(wider.made) == 1


@pytest.mark.parametrize("damage", [b"", b"cut"])
def test_a_damaged_shard_is_refused_and_made_again(tmp_path: Path, damage: bytes) -> None:
    store = Squares(range(4), tmp_path)
    store.render(workers=1)
    (file,) = store.folder.iterdir()
    file.write_bytes(damage)
    with pytest.raises(ValueError, match=r"is damaged .*: call Squares\.render\(\) again"):
        store[0]
    store.render(workers=1)
    assert store[3] == (9, "from 0")


def test_a_shard_of_another_key_is_refused(tmp_path: Path) -> None:
    store, other = Squares(range(4), tmp_path), Squares(range(4), tmp_path, "cubes")
    store.render(workers=1)
    store.folder.rename(other.folder)
    with pytest.raises(ValueError, match=r"holds squares/0, not cubes/0: call Squares\.render\(\) again"):
        other[0]
    other.render(workers=1)
    assert other[2] == (4, "from 0")


def test_what_is_not_rendered_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"shard-000001\.safetensors is not rendered yet; call Squares\.render"):
        Squares(range(8), tmp_path)[5]


def test_a_store_that_is_open_can_be_sent_to_another_process(tmp_path: Path) -> None:
    store = Squares(range(4), tmp_path)
    store.render(workers=1)
    assert store[1] == (1, "from 0")
    assert pickle.loads(pickle.dumps(store))[1] == (1, "from 0")


@pytest.mark.parametrize("seeds", [range(0), range(-2, 2), range(0, 8, 2)])
def test_seeds_that_are_no_plain_range_are_refused(tmp_path: Path, seeds: range) -> None:
    with pytest.raises(ValueError, match="a range of consecutive numbers from 0 upwards"):
        Squares(seeds, tmp_path)


def test_one_missing_shard_is_made_in_this_process_on_one_thread(tmp_path: Path) -> None:
    class Threads(Squares):
        def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
            threads.append(torch.get_num_threads())
            return super().generate(seeds)

    threads: list[int] = []
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        store = Threads(range(4), tmp_path)
        store.render(workers=2)
        assert threads == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert store.made == [range(4)]


class Announced(Squares):
    """Squares that name the process that made them."""

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        return super().generate(seeds)[0], os.getpid()


def test_several_missing_shards_are_shared_by_processes(tmp_path: Path) -> None:
    store = Announced(range(2 * 128), tmp_path)  # the size of a shard that other processes know
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD", 128)
        store.render(workers=2)
        makers = {store[0][1], store[128][1]}
        assert store[3][0] == 9
    assert os.getpid() not in makers
