from pathlib import Path
from typing import Any

import pytest
import torch

from models.geometry.camera_encoding import encode_camera
from probes.clips.clip_sets import ClipSet
from probes.extractors.images.pixels import PixelExtractor
from probes.features.extraction import fill_stores
from probes.features.options import ExtractionOptions
from probes.probe import Probe
from probes.training.module import CLOUDS, ERRORS, ProbeTraining, clip_errors, read_errors
from probes.training.stored_features import StoredFeatures
from scenes.worlds import WorldConfig
from tests.support.probes import toy_clips, trainer


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    found = toy_clips(tmp_path_factory.mktemp("worlds"))
    found.prepare()
    return found


@pytest.fixture(scope="module")
def store(clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("features")
    fill_stores(
        PixelExtractor("pixels", (16, 16), 4, 2),
        clips,
        ExtractionOptions([0]),
        place,
        notes=lambda layer: {"blocks": 1},
    )
    return place / "layer0"


def build(channels: int = 96) -> ProbeTraining:
    torch.manual_seed(0)
    probe = Probe(channels, width=16, depth=1, heads=2, camera_depth=1, dense="linear", subpixels=2)
    return ProbeTraining(probe=probe, learning_rate=3e-3)


def data(clips: ClipSet, store: Path, **options: Any) -> StoredFeatures:
    return StoredFeatures(clips=clips, store=store, batch_size=3, seed=0, **options)


def test_exact_geometry_has_no_error(clips: ClipSet) -> None:
    labels = vars(clips.labels("world-0", [0, 2]))
    camera = encode_camera(labels["cam_T_world"], labels["intrinsics"], 8, 8)
    one = {name: value[None] for name, value in labels.items()}
    (errors,) = clip_errors(one["points"], one["depth"], camera[None], one)
    assert errors["point_error"] == pytest.approx(0.0, abs=1e-4)
    assert errors["depth_error"] == errors["abs_rel"] == pytest.approx(0.0, abs=1e-5)
    assert errors["auc5"] == errors["auc30"] == errors["auc30_vidfm3d"] == pytest.approx(1.0)


def test_training_lowers_the_loss_and_every_clip_is_measured(clips: ClipSet, store: Path, tmp_path: Path) -> None:
    module, loader = build(), data(clips, store)
    batch = next(iter(loader.train_dataloader()))
    module.log = module.log_dict = lambda *_, **__: None  # type: ignore[method-assign, assignment]
    before = float(module.training_step(batch, 0))
    del module.log, module.log_dict
    trainer(tmp_path, 30).fit(module, loader)
    trainer(tmp_path, 30).test(module, loader, verbose=False)
    module.log = module.log_dict = lambda *_, **__: None  # type: ignore[method-assign, assignment]
    assert float(module.training_step(batch, 0)) < 0.8 * before
    module.export(tmp_path / "model")
    said = read_errors(tmp_path / "model" / ERRORS)
    assert set(said["errors"]["val"]) == {"world-6", "world-7"}
    assert set(said["errors"]["test"]) == {"world-8", "world-9"}
    assert said["features"]["blocks"] == 1
    assert (tmp_path / "model" / CLOUDS).is_file()


@pytest.mark.parametrize(("most", "steps"), [(-1, 5), (2, 2)])
def test_a_training_ends_after_its_epochs_or_the_most_steps(
    clips: ClipSet, store: Path, tmp_path: Path, most: int, steps: int
) -> None:
    runs = trainer(tmp_path, most)
    runs.fit(build(), data(clips, store, epochs=2.5))  # 15 of 6 clips, 3 a step
    assert runs.global_step == steps
    (optimizer,) = runs.optimizers
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.0)  # the schedule knows this length


@pytest.mark.parametrize("epochs", [0, float("inf")])
def test_epochs_that_are_no_length_are_refused(clips: ClipSet, store: Path, epochs: float) -> None:
    with pytest.raises(ValueError, match=r"data\.epochs=.* is not a length: give a positive number"):
        data(clips, store, epochs=epochs)


def test_shuffled_labels_are_those_of_other_clips(clips: ClipSet, store: Path) -> None:
    plain, shuffled = (data(clips, store, shuffled_labels=flag).train_dataloader().dataset for flag in (False, True))
    same = [torch.equal(plain[k]["labels"].points, shuffled[k]["labels"].points) for k in range(len(plain))]
    assert not any(same)
    assert all(torch.equal(plain[k]["features"], shuffled[k]["features"]) for k in range(len(plain)))


def test_features_of_another_width_are_refused(clips: ClipSet, store: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.channels=96"):
        trainer(tmp_path, 1).fit(build(32), data(clips, store))


def test_a_store_that_lacks_a_clip_is_refused(clips: ClipSet, store: Path) -> None:
    more = toy_clips(clips.stores["train"].folder.parent, seeds={"train": (0, 6), "val": (6, 8), "test": (8, 11)})  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="no features of 1 of 11 clips, such as world-10"):
        data(more, store)


def test_features_of_other_clips_are_refused(clips: ClipSet, store: Path) -> None:
    world = WorldConfig(height=16, width=16, frames=4, objects=(2, 3), cameras=("pan",))
    other = toy_clips(clips.stores["train"].folder.parent, world=world)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="features of other clips"):
        data(other, store)


def test_a_camera_that_stays_where_it_is_has_no_error_of_translation(tmp_path: Path) -> None:
    world = WorldConfig(height=16, width=16, frames=4, objects=(2, 3), cameras=("pan",))
    clips = toy_clips(tmp_path, world=world)
    clips.prepare()
    labels = vars(clips.labels("world-0", [0, 2]))
    camera = encode_camera(labels["cam_T_world"], labels["intrinsics"], 8, 8)
    one = {name: value[None] for name, value in labels.items()}
    (errors,) = clip_errors(one["points"], one["depth"], camera[None], one)
    assert errors["rotation_deg"] == pytest.approx(0.0, abs=0.1)
    assert not {"translation_deg", "auc5", "auc30", "auc30_vidfm3d"} & errors.keys()


def test_a_place_without_features_is_refused(clips: ClipSet, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no features"):
        data(clips, tmp_path)
