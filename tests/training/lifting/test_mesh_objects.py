"""A lifting model trains on a folder of meshes, and is calibrated on worlds and compositions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.lifting import Sampling
from region4d.configuration.compose import build, compose_config
from scenes.arrangements import store as store_module
from scenes.storage import shards
from tests.support.meshes import write_meshes
from training.lifting import ConfidenceCalibration, JoinedObjects, MeshObjects
from training.lifting.confidence import calibrate


def test_the_data_of_a_folder_is_rendered_once_and_batched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SHARD", 2)
    folder = write_meshes(tmp_path / "things")
    words = [f"data.source.folder={folder}", "data.source.split=all", "data.seeds=[0,2]", f"data.stores={tmp_path}"]
    words += ["data.arrangement.height=24", "data.arrangement.width=24", "data.arrangement.resolution=8"]
    data = build(compose_config("train", ["experiment=lifting/meshes", *words]).data)
    assert isinstance(data, MeshObjects)
    data.prepare_data()
    batch = data.first(2, torch.device("cpu"))
    assert batch["image"].shape == (2, 3, 24, 24)
    assert batch["distance"].shape == (2, 8, 8, 8)
    assert bool(batch["mask"].flatten(1).any(1).all())
    assert data.summary() == "2 pictures (24 x 24 pixels) of 4 meshes of 'things', on floor, table, shelf, stack"


def test_a_folder_must_be_named() -> None:
    with pytest.raises(ValueError, match=r"data\.source\.folder has no value; give one, as data\.source\.folder="):
        build(compose_config("train", ["experiment=lifting/meshes"]).data)


def test_a_calibration_sees_worlds_first_and_compositions_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (store_module, shards):
        monkeypatch.setattr(module, "SHARD", 2)
    pixels = [f"{size}=32" for size in ("height", "width")]
    words = ["data.parts.worlds.seeds=[0,2]", f"data.parts.worlds.stores={tmp_path}"]
    words += [
        f"data.parts.{part}.{size}" for part in ("worlds.objects.world", "compositions.arrangement") for size in pixels
    ]
    words += ["data.parts.compositions.seeds=[4,6]", f"data.parts.compositions.stores={tmp_path}"]
    words += ["data.parts.compositions.source.seeds=[4,6]", "model.folder=lift_tiny"]
    config = compose_config("train", ["experiment=lifting/confidence", *words])
    data = build(config.data)
    assert isinstance(data, JoinedObjects)
    assert config.module._target_.endswith(ConfidenceCalibration.__name__)
    worlds, compositions = data.stores
    assert "of procedural worlds" in worlds.about
    data.prepare_data()
    batch = data.first(4, torch.device("cpu"))
    assert torch.equal(batch["image"][2], compositions[0].image)
    assert data.summary() == f"{worlds.about}; {compositions.about}"


def test_a_calibration_with_one_sample_is_refused_before_anything_is_lifted() -> None:
    with pytest.raises(ValueError, match=r"set module\.sampling\.best_of to 2 or more"):
        calibrate(None, [], Sampling(best_of=1))
