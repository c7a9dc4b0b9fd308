"""Shards on disk give back what was rendered, and are never used when they are not whole."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from scenes.storage import shards
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.store import WorldStore

CONFIG = WorldConfig(height=16, width=20, frames=2, motion=True)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorldStore:
    monkeypatch.setattr(shards, "SHARD", 4)
    made = WorldStore(CONFIG, range(2, 7), signals=("backward_flow",), root=tmp_path)
    made.render(workers=1)
    return made


def test_a_clip_comes_back_as_it_was_rendered(store: WorldStore) -> None:
    assert len(store) == 5
    for i in (0, 4):
        (direct,) = render([make_world(2 + i, CONFIG)])
        clip = store[i]
        assert clip.name == direct.name
        assert torch.equal(clip.video, direct.video)
        assert clip.depth is not None
        assert direct.depth is not None
        assert torch.equal(clip.depth, direct.depth)
        assert clip.truth is not None
        assert direct.truth is not None
        assert clip.truth.objects == direct.truth.objects
        assert torch.equal(clip.truth.world_T_obj, direct.truth.world_T_obj)
        assert clip.truth.backward_flow is not None
        assert clip.truth.normals is None


def test_a_store_can_be_sent_to_another_process(store: WorldStore) -> None:
    assert torch.equal(store[1].video, pickle.loads(pickle.dumps(store))[1].video)


def test_damaged_and_foreign_shards_are_rendered_again(store: WorldStore) -> None:
    first, second = sorted(store.folder.glob("*.safetensors"))
    whole = first.read_bytes()
    first.write_bytes(whole[: len(whole) // 2])
    second.write_bytes(whole)  # the right format, the wrong seeds
    again = WorldStore(CONFIG, range(2, 7), signals=("backward_flow",), root=store.folder.parent)
    with pytest.raises(ValueError, match="damaged"):
        again[0]
    with pytest.raises(ValueError, match="not"):
        again[4]
    again.render(workers=1)
    assert first.read_bytes() == whole
    assert again[4].name == "world-6"


def test_whole_shards_are_left_alone(store: WorldStore) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.folder.iterdir()}
    store.render(workers=1)
    assert {path: path.stat().st_mtime_ns for path in store.folder.iterdir()} == before


def test_another_config_has_another_folder(store: WorldStore, tmp_path: Path) -> None:
    other = WorldStore(WorldConfig(height=16, width=20, frames=2), range(4), root=tmp_path)
    assert other.folder != store.folder
    with pytest.raises(FileNotFoundError, match=r"call WorldStore\.render"):
        other[0]
