from pathlib import Path

import pytest
import torch

from probes.clips.clip_sets import ClipSet
from probes.features.extraction import fill_stores
from probes.features.options import ExtractionOptions
from probes.features.store import FeatureStore
from tests.support.probes import MeanExtractor, toy_clips
from tests.support.programs.processes import process


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    found = toy_clips(tmp_path_factory.mktemp("worlds"))
    found.prepare()
    return found


def test_every_clip_is_there_under_every_layer(clips: ClipSet, tmp_path: Path) -> None:
    options = ExtractionOptions([0, 1])
    stores = fill_stores(MeanExtractor(), clips, options, tmp_path, notes=lambda layer: {"layer": layer})
    assert all(store.missing(clips.names) == [] for store in stores.values())
    again = FeatureStore.open(tmp_path / "layer1")
    assert again.notes()["layer"] == 1
    expected = MeanExtractor().extract(clips.clip("world-7").video, [1])[1].values
    assert torch.equal(again.read_frames("world-7", [0, 2]), expected.half())


def test_an_interrupted_fill_makes_only_what_is_missing(clips: ClipSet, tmp_path: Path) -> None:
    fill_stores(MeanExtractor(), clips, ExtractionOptions([0, 1]), tmp_path)
    kept, lost = tmp_path / "layer1" / "world-1.safetensors", tmp_path / "layer1" / "world-2.safetensors"
    before, bytes_of_lost = kept.stat().st_mtime_ns, lost.read_bytes()
    lost.unlink()
    fill_stores(MeanExtractor(), clips, ExtractionOptions([0, 1]), tmp_path)
    assert kept.stat().st_mtime_ns == before
    assert lost.read_bytes() == bytes_of_lost


def test_folders_are_listed_once_a_pass_and_not_once_a_clip(
    clips: ClipSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    missing = FeatureStore.missing
    monkeypatch.setattr(
        FeatureStore, "missing", lambda store, names: (listed.append(store.root), missing(store, names))[1]
    )
    fill_stores(MeanExtractor(), clips, ExtractionOptions([0, 1]), tmp_path)
    assert len(clips.names) > 2
    assert len(listed) == 2 * 2  # layers, before and after the only pass


def test_a_lock_that_a_killed_process_left_beside_its_clip_goes_and_one_that_is_held_stays(
    clips: ClipSet, tmp_path: Path
) -> None:
    (store,) = fill_stores(MeanExtractor(), clips, ExtractionOptions([0]), tmp_path).values()
    (tmp_path / "layer0" / "world-1.safetensors.lock").touch()
    with store.claim("world-2"):
        fill_stores(MeanExtractor(), clips, ExtractionOptions([0]), tmp_path)
        assert [path.name for path in (tmp_path / "layer0").glob("*.lock")] == ["world-2.safetensors.lock"]


def test_a_layer_that_is_added_later_is_extracted_too(clips: ClipSet, tmp_path: Path) -> None:
    fill_stores(MeanExtractor(), clips, ExtractionOptions([1]), tmp_path)
    stores = fill_stores(MeanExtractor(), clips, ExtractionOptions([0, 1]), tmp_path)
    assert stores[0].missing(clips.names) == []


def fill(worlds: str, place: str) -> None:
    fill_stores(MeanExtractor(), toy_clips(worlds), ExtractionOptions([0]), place)


def test_two_processes_fill_one_store_without_a_gap(clips: ClipSet, tmp_path: Path) -> None:
    worlds = str(clips.stores["train"].folder.parent)  # type: ignore[attr-defined]
    workers = [process(fill, worlds, str(tmp_path)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    files = sorted(path.name for path in (tmp_path / "layer0").glob("*.safetensors"))
    assert files == sorted(f"{name}.safetensors" for name in clips.names)
    assert not list((tmp_path / "layer0").glob("*.tmp"))


def test_the_store_of_another_extractor_is_refused(clips: ClipSet, tmp_path: Path) -> None:
    fill_stores(MeanExtractor(), clips, ExtractionOptions([0]), tmp_path)
    with pytest.raises(ValueError, match="name another folder"):
        fill_stores(MeanExtractor(), clips, ExtractionOptions([0], control="repeated"), tmp_path)


def test_a_clip_that_is_too_short_is_refused(clips: ClipSet, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="takes 6 frames, the clip has 4"):
        fill_stores(MeanExtractor(frames=6), clips, ExtractionOptions([0]), tmp_path)


def test_an_unknown_type_is_refused(clips: ClipSet, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="float16, bfloat16, float32, int8"):
        fill_stores(MeanExtractor(), clips, ExtractionOptions([0], dtype="float8"), tmp_path)
