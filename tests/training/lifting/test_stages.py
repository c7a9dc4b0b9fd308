"""The stages of a lift learn, hand their model on, and leave alone what they should."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer, seed_everything

from models.lifting import LiftingModel
from models.lifting.calibration import Calibration
from models.lifting.checkpoint import build_model, load_model, save_model
from models.lifting.networks.pose_encoding import decode_pose
from scenes.storage import shards
from scenes.worlds import WorldConfig
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore
from training.lifting import (
    FlowTraining,
    PreferenceAlignment,
    ShapeAutoencoding,
    ShortcutDistillation,
    WorldObjects,
    WorldPreferences,
    WorldShapes,
)
from training.lifting.batches import shapes_of, tensors_of, truth_of, views_of
from training.lifting.candidates import CandidateStore
from training.lifting.preference import Pairs

OBJECTS = MaskedObjectConfig(
    WorldConfig(height=32, width=32, frames=1, objects=(1, 2), families=("tower", "snowman"), cameras=("static",)),
    bins=(),
    resolution=16,
)
LOADING: dict[str, Any] = {"batch_size": 8, "seed": 0}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD", 8)
        root = tmp_path_factory.mktemp("worlds")
        MaskedObjectStore(OBJECTS, range(16), root).render(workers=1)
    return root


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 8)


@pytest.fixture
def model() -> LiftingModel:
    seed_everything(0, verbose=False)
    encoder = {"patch": 8, "width": 16, "depth": 1, "heads": 2}
    return build_model(
        vae={"resolution": 16, "channels": [16, 32], "blocks": 1, "stem": 2, "patch": 2},
        flow={"width": 32, "depth": 2, "heads": 2},
        conditioner={
            "width": 24,
            "image_size": 16,
            "image": encoder,
            "mask": encoder,
            "points": {"width": 16, "size": 16, "patch": 8, "heads": 2},
        },
    )


def fit(module: Any, data: Any, steps: int, **options: Any) -> Trainer:
    trainer = Trainer(
        accelerator="cpu",
        max_steps=steps,
        max_epochs=-1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
        **options,
    )
    trainer.fit(module, data)
    return trainer


@pytest.mark.long
def test_the_vae_learns_shapes_and_standardises_their_tokens(model: LiftingModel, tmp_path: Path) -> None:
    data = WorldShapes(world=OBJECTS.world, seeds=(0, 64), resolution=16, **LOADING)
    module = ShapeAutoencoding(model=model, learning_rate=3e-3)
    first = module.training_step(data.first(8, torch.device("cpu")), 0)
    trainer = fit(module, data, 25)
    assert float(trainer.callback_metrics["loss"]) < 0.75 * float(first.detach())
    module.export(tmp_path)
    learned = load_model(tmp_path)
    tokens = truth_of(data.first(32, torch.device("cpu")) | _poses(32), learned, learned.mean_normalizer())["shape"]
    assert abs(float(tokens.mean())) < 0.2
    assert 0.7 < float(tokens.std()) < 1.3


def test_a_decoder_that_learns_alone_leaves_latents_and_flow_as_they_are(
    model: LiftingModel, stores: Path, tmp_path: Path
) -> None:
    data = WorldObjects(objects=OBJECTS, seeds=(0, 16), stores=str(stores), **LOADING)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    module = ShapeAutoencoding(model=model, learning_rate=3e-3, averaging=0.0, decoder_only=True)
    fit(module, data, 3)
    module.export(tmp_path)
    after = module.model.state_dict()
    changed = [name for name, value in after.items() if not torch.equal(value, before[name])]
    assert changed
    assert all(name.startswith("vae.decoder.") for name in changed)
    assert "decoder" in module.summary()
    written = load_model(tmp_path).state_dict()
    assert all(torch.equal(value.half().float(), written[name]) for name, value in after.items())


def test_the_flow_learns_and_hands_its_average_on(model: LiftingModel, stores: Path, tmp_path: Path) -> None:
    data = WorldObjects(objects=OBJECTS, seeds=(0, 16), stores=str(stores), **LOADING)
    module = FlowTraining(model=model, learning_rate=3e-3, averaging=0.9)
    trainer = fit(module, data, 25)
    assert float(trainer.callback_metrics["loss"]) < 1.95  # 2.1 is what zero velocity has
    assert float(model.mean_scale) != 1
    assert not torch.equal(module.average[0], module.trained_parameters()[0])
    model.calibration = Calibration([-1.0, -2.0, -3.0, -4.0], 0.5, 0.4, 48)  # of the weights before
    module.export(tmp_path)
    assert load_model(tmp_path).calibration is None
    again = load_model(tmp_path).state_dict()
    assert all(torch.equal(value.half().float(), again[key]) for key, value in model.state_dict().items())


def test_layout_only_leaves_every_shape_bit_equal(model: LiftingModel, stores: Path) -> None:
    data = WorldObjects(objects=OBJECTS, seeds=(0, 16), stores=str(stores), **LOADING)
    fit(FlowTraining(model=model, learning_rate=1e-3), data, 4)
    latents = {key: torch.randn(2, *shape) for key, shape in model.flow.token_shapes.items()}
    time, context = torch.rand(2), torch.randn(2, 5, 24)
    before = model.flow(latents, time, 0 * time, context)
    fit(FlowTraining(model=model, learning_rate=1e-2, layout_only=True, averaging=0.0), data, 4)
    after = model.flow(latents, time, 0 * time, context)
    assert torch.equal(before["shape"], after["shape"])
    assert not torch.equal(before["rotation"], after["rotation"])


def test_truth_is_decoded_to_the_pose_that_it_was(model: LiftingModel, stores: Path) -> None:
    store = MaskedObjectStore(OBJECTS, range(8), stores)
    batch = {key: torch.stack([tensors_of(item)[key] for item in store]) for key in tensors_of(store[0])}
    for dropped in (torch.zeros(8, dtype=torch.bool), torch.ones(8, dtype=torch.bool)):
        views, normalizer = views_of(batch, model, dropped)
        assert bool(views.crop.points.valid.any()) != bool(dropped.any())
        layout = truth_of(batch, model, normalizer)
        layout.pop("shape")
        cam_T_obj, scale = decode_pose(layout, normalizer)
        torch.testing.assert_close(cam_T_obj, batch["cam_T_obj"], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(scale, batch["scale"], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shortcut", [True, False])
def test_distillation_and_regression_train(model: LiftingModel, stores: Path, shortcut: bool) -> None:
    data = WorldObjects(objects=OBJECTS, seeds=(0, 16), shifted=True, stores=str(stores), **LOADING)
    stage: FlowTraining = (
        ShortcutDistillation(model=model, learning_rate=1e-3)
        if shortcut
        else FlowTraining(model=model, learning_rate=1e-3, regression=True)
    )
    trainer = fit(stage, data, 3)
    assert torch.isfinite(trainer.callback_metrics["loss"])


def test_held_objects_give_the_batches_that_reading_gives(model: LiftingModel, stores: Path) -> None:
    read, held = (
        WorldObjects(objects=OBJECTS, seeds=(3, 14), stores=str(stores), hold=hold, **LOADING) for hold in (False, True)
    )
    held.setup("fit")
    device = torch.device("cpu")
    for one, other in zip(islice(read.train_dataloader(), 3), held.train_dataloader(), strict=False):
        chosen = held.transfer_batch_to_device(other, device, 0)
        assert one.keys() == chosen.keys()
        assert all(torch.equal(one[key], chosen[key].to(one[key])) for key in one)
    before = held.first(5, device)
    held.replace("distance", "shape", lambda some: shapes_of(some, model), device)
    after = held.first(5, device)
    assert "distance" not in after
    normalizer = model.mean_normalizer()
    torch.testing.assert_close(truth_of(after, model, normalizer), truth_of(before, model, normalizer))


@pytest.mark.parametrize("shifted", [True, False])
def test_a_stage_trains_on_held_objects(model: LiftingModel, stores: Path, shifted: bool) -> None:
    data = WorldObjects(objects=OBJECTS, seeds=(0, 16), shifted=shifted, stores=str(stores), hold=True, **LOADING)
    trainer = fit(FlowTraining(model=model, learning_rate=1e-3), data, 3)
    assert torch.isfinite(trainer.callback_metrics["loss"])
    assert data.held is not None
    assert len(data.held["shape"]) == 16


def test_candidates_are_drawn_once_and_pairs_prefer_the_better(
    model: LiftingModel, stores: Path, tmp_path: Path
) -> None:
    save_model(model, tmp_path / "model")
    options: dict[str, Any] = {
        "folder": str(tmp_path / "model"),
        "objects": OBJECTS,
        "seeds": [0, 16],
        "count": 4,
        "steps": 2,
        "margin": 0.0,
        "stores": str(stores),
        "candidates": str(tmp_path / "candidates"),
        **LOADING,
    }
    data = WorldPreferences(**options)
    data.prepare_data()
    data.setup("fit")
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "candidates").rglob("*.safetensors")}
    assert len(written) == 2
    first = data.candidates[3]
    again = WorldPreferences(**options)
    again.prepare_data()
    assert written == {path: path.stat().st_mtime_ns for path in (tmp_path / "candidates").rglob("*.safetensors")}
    assert torch.equal(again.candidates[3].shapes, first.shapes)
    pair = data.items[3]  # type: ignore[index]
    assert torch.equal(pair["winner"], first.shapes[first.rewards.argmax()])
    assert torch.equal(pair["loser"], first.shapes[first.rewards.argmin()])
    stage = PreferenceAlignment(model=load_model(tmp_path / "model"), learning_rate=1e-3)
    loss = stage.training_step({key: value[None] for key, value in pair.items()}, 0)
    assert float(loss) == pytest.approx(0.6931, abs=1e-3)  # log 2, where model and reference are equal


def test_a_margin_that_no_pair_has_is_one_clear_line(model: LiftingModel, stores: Path, tmp_path: Path) -> None:
    store = CandidateStore(
        model, MaskedObjectStore(OBJECTS, range(8), stores), count=2, steps=1, guidance=0.0, root=tmp_path
    )
    store.render(workers=1)
    with pytest.raises(ValueError, match="lower the margin"):
        Pairs(store, 2.0, "none", 0)


def _poses(count: int) -> dict[str, torch.Tensor]:
    return {"cam_T_obj": torch.eye(4).expand(count, 4, 4), "scale": torch.ones(count)}
