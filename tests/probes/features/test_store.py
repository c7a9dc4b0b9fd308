import shutil
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem
from safetensors.torch import load_file

from probes.extractors.slots import Features, SlotMap
from probes.features.memory import read_into
from probes.features.store import FeatureStore
from tests.support.programs.processes import CONTEXT, process

CAUSAL = SlotMap(((0,), (1, 2, 3, 4), (5, 6, 7, 8)))


def made(seed: int, dtype: torch.dtype = torch.float16) -> Features:
    values = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return Features(values, CAUSAL)


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FeatureStore:
    """A store in a folder, and one behind an address."""
    root = str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}"
    return FeatureStore(root, "wan-20-0.5")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_slots_come_back_bit_by_bit_in_the_order_asked_for(store: FeatureStore, dtype: torch.dtype) -> None:
    store.write("a", made(0, dtype))
    assert torch.equal(store.read("a", [2, 0]), made(0, dtype).values[[2, 0]])
    assert torch.equal(store.read_frames("a", [0, 3, 4, 8]), made(0, dtype).values[[0, 1, 1, 2]])
    assert store.slots("a") == CAUSAL


def test_a_file_is_plain_safetensors(tmp_path: Path) -> None:
    FeatureStore(tmp_path, "k").write("a", made(0))
    assert torch.equal(load_file(tmp_path / "a.safetensors")["features"], made(0).values)


def test_a_reader_takes_no_byte_of_other_slots(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("a", made(0))
    store.read("a", [0])  # the header is read once
    taken: list[int] = []
    remote = store.files.cat_file
    monkeypatch.setattr(store.files, "cat_file", lambda path, a, b: (taken.append(b - a), remote(path, a, b))[1])

    def local(path: str, start: int, target: torch.Tensor) -> None:
        taken.append(target.numel() * target.element_size())
        read_into(path, start, target)

    monkeypatch.setattr("probes.features.store.read_into", local)
    store.read("a", [1, 2])
    assert taken == 2 * [4 * 5 * 6 * 2]


@pytest.mark.parametrize("dtype", [torch.float16, torch.int8])
def test_slots_can_come_in_a_wider_type(store: FeatureStore, dtype: torch.dtype) -> None:
    store.write("a", made(0), dtype)
    found = store.read("a", [2, 0], torch.float32)
    assert found.dtype == torch.float32
    assert torch.equal(found, store.read("a", [2, 0]).float())


def test_what_is_missing_is_listed_in_order(store: FeatureStore) -> None:
    assert store.missing(["b", "a"]) == ["b", "a"]
    store.write("a", made(0))
    assert store.missing(["c", "a", "b"]) == ["c", "b"]


class ListedFileSystem(MemoryFileSystem):
    """Answers from its last listing of a folder, as file systems of object stores do."""

    protocol, cachable = "listed", False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(MemoryFileSystem._strip_protocol(path.replace("listed://", "memory://")))

    def ls(self, path: str, detail: bool = True, **kwargs: object) -> list[Any]:
        if path not in self.dircache:
            self.dircache[path] = super().ls(path, detail=True, **kwargs)
        return self.dircache[path] if detail else [entry["name"] for entry in self.dircache[path]]

    def exists(self, path: str, **kwargs: object) -> bool:
        folder = self._parent(path)
        if folder in self.dircache:
            return any(entry["name"] == path for entry in self.dircache[folder])
        return bool(super().exists(path, **kwargs))

    def invalidate_cache(self, path: str | None = None) -> None:
        self.dircache.pop(path, None)


def test_what_another_writes_is_there_though_the_folder_was_listed_before(tmp_path: Path) -> None:
    fsspec.register_implementation("listed", ListedFileSystem, clobber=True)
    mine, theirs = (FeatureStore(f"listed://{tmp_path.name}", "k") for _ in range(2))
    mine.write("a", made(0))
    assert mine.missing(["a", "b"]) == ["b"]
    theirs.write("b", made(1))
    assert mine.missing(["a", "b"]) == ["b"]  # the listing is an old one
    assert "b" in mine


def test_features_of_another_extractor_are_refused(tmp_path: Path) -> None:
    FeatureStore(tmp_path, "wan-20-0.5").write("a", made(0))
    with pytest.raises(ValueError, match=r"'wan-20-0\.5', not of 'wan-10-0\.5'"):
        FeatureStore(tmp_path, "wan-10-0.5").read("a", [0])


@pytest.mark.parametrize("keep", [4, 60, 400])
def test_a_cut_file_is_refused(tmp_path: Path, keep: int) -> None:
    FeatureStore(tmp_path, "k").write("a", made(0))
    path = tmp_path / "a.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="damaged"):
        FeatureStore(tmp_path, "k").read("a", [0])


def test_what_is_not_there_is_said(store: FeatureStore) -> None:
    with pytest.raises(FileNotFoundError, match="no features of clip a"):
        store.read("a", [0])
    store.write("a", made(0))
    with pytest.raises(ValueError, match="slots 0 to 2, not 3"):
        store.read("a", [3])
    with pytest.raises(ValueError, match="no slot encodes frame 9"):
        store.read_frames("a", [9])
    with pytest.raises(ValueError, match="not finite"):
        store.write("b", Features(torch.full((3, 1, 1, 1), torch.inf), CAUSAL))
    assert "b" not in store


def test_a_full_disk_is_an_error_before_and_during_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FeatureStore(tmp_path / "new", "k")
    assert store.refuse_if_full((3, 4, 5, 6), torch.float16, 10) == 10 * 3 * 4 * 5 * 6 * 2
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(OSError, match="GB left"):
        store.refuse_if_full((free,), torch.float16, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"a\.safetensors cannot be written: the disk is full"):
        store.write("a", made(0))
    assert list((tmp_path / "new").iterdir()) == []


def fill(root: str, barrier: object, counts: object) -> None:
    store, mine = FeatureStore(root, "k"), 0
    barrier.wait()  # type: ignore[attr-defined]
    for number in range(40):
        with store.claim(f"clip-{number}") as held:
            if held and f"clip-{number}" not in store:
                store.write(f"clip-{number}", made(number))
                mine += 1
    counts.put(mine)  # type: ignore[attr-defined]


def test_two_writers_fill_a_store_without_a_duplicate_or_a_gap(tmp_path: Path) -> None:
    barrier, counts = CONTEXT.Barrier(2), CONTEXT.Queue()
    writers = [process(fill, str(tmp_path), barrier, counts) for _ in range(2)]
    for writer in writers:
        writer.start()
    mine = [counts.get(timeout=60) for _ in writers]
    for writer in writers:
        writer.join()
    assert sum(mine) == 40  # no clip twice
    store = FeatureStore(tmp_path, "k")
    assert store.missing([f"clip-{n}" for n in range(40)]) == []
    assert torch.equal(store.read("clip-17", [1]), made(17).values[[1]])


def test_features_of_8_bits_are_near_channel_by_channel(tmp_path: Path) -> None:
    values = torch.randn(3, 12, 13, 6) * torch.tensor([1e-3, 1.0, 10.0, 1e4, 0.0, 5.0])
    store = FeatureStore(tmp_path, "key")
    store.write("clip", Features(values, CAUSAL), torch.int8)
    found = FeatureStore(tmp_path, "key").read("clip", [2, 0])
    largest = values.abs().amax((0, 1, 2))
    assert ((found - values[[2, 0]]).abs() <= largest / 254 + 1e-9).all()
    assert (tmp_path / "clip.safetensors").stat().st_size < 0.8 * values.numel() * 2
