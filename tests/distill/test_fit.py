"""Whole trainings by Lightning: an expert, and a student with its targets."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningDataModule, LightningModule, Trainer

from distill.data import TaughtWorldQuestions
from distill.expert.data import ExpertWorlds
from distill.expert.errors import mean_signals, signal_errors
from distill.expert.training import ExpertTraining
from distill.signals import CHANNELS
from distill.student import PerceptualDistillation
from distill.teachers import Expert4D, Expert4DConfig, Oracle, load_expert
from distill.teachers.expert import expert_to_train
from models.sr3d.model import IGNORED
from tests.support.distillation import WORLD, build_expert, build_student
from training.accumulation import STEP_ANSWERS


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("worlds"))


def fit(
    module: LightningModule,
    data: LightningDataModule,
    folder: Path,
    steps: int,
    accelerator: str = "cpu",
    **options: Any,
) -> Trainer:
    trainer = Trainer(
        accelerator=accelerator,
        max_steps=steps,
        max_epochs=-1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        **options,
    )
    trainer.fit(module, data)
    return trainer


def taught_data(**options: Any) -> TaughtWorldQuestions:
    settings: dict[str, Any] = {"world": WORLD, "seeds": (0, 16), "questions_per_clip": 2, "batch_size": 4, "seed": 0}
    return TaughtWorldQuestions(**(settings | options))


# the second is what a GPU takes
@pytest.mark.parametrize("precision", [pytest.param("32-true", marks=pytest.mark.long), "bf16-mixed"])
def test_an_expert_trains_reports_its_error_and_is_exported(stores: str, tmp_path: Path, precision: str) -> None:
    data = ExpertWorlds(world=WORLD, seeds=(0, 32), test_seeds=(100, 108), grid=4, batch_size=4, seed=0, stores=stores)
    weights = {"depth": 1.0, "flow": 0.3, "motion": 0.3, "rays": 3.0}
    model = build_expert().train().requires_grad_(True)
    betas = {"depth": 0.05, "flow": 0.25, "rays": 0.05}
    module = ExpertTraining(model=model, learning_rate=1e-3, weights=weights, betas=betas)
    before = model.heads["depth"].last[0].weight.detach().clone()
    trainer = fit(module, data, tmp_path, steps=3, precision=precision, gradient_clip_val=1.0)
    assert not torch.equal(model.heads["depth"].last[0].weight, before)
    trainer.test(module, data, verbose=False)
    errors = module.test_errors()
    assert set(errors) == {"expert", "trivial"}
    depth = {"depth_abs_rel", "depth_abs_rel_one_scale_a_clip"}
    assert set(errors["expert"]) == {*depth, "flow_epe_px", "motion_iou", "ray_angle_deg"}
    module.export(tmp_path / "expert")
    said = json.loads((tmp_path / "expert" / "test_error.json").read_text())
    gains = said.pop("times_better")
    assert said == errors
    for name in depth:
        ratio = errors["trivial"][name] / errors["expert"][name]
        assert gains[name]["mean"] == pytest.approx(ratio)
        assert gains[name]["low"] < ratio < gains[name]["high"]
    better = errors["expert"]["motion_iou"] / errors["trivial"]["motion_iou"]  # the more, the better
    assert gains["motion_iou"]["mean"] == pytest.approx(better)
    assert load_expert(tmp_path / "expert").digest == model.float().freeze().digest  # rounded to half on export
    assert "| flow_epe_px |" in module.summary()


@pytest.mark.long
def test_an_expert_is_tested_and_exported_where_nothing_moves(stores: str, tmp_path: Path) -> None:
    still = replace(WORLD, motion=False)
    data = ExpertWorlds(world=still, seeds=(0, 8), test_seeds=(100, 104), grid=4, batch_size=4, seed=0, stores=stores)
    weights, betas = dict.fromkeys(CHANNELS, 1.0), dict.fromkeys(CHANNELS, 0.1)
    module = ExpertTraining(model=build_expert(), learning_rate=1e-3, weights=weights, betas=betas)
    Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path).test(
        module, data, verbose=False
    )
    assert "motion_iou" not in module.gains
    assert "flow_epe_px" in module.gains  # the camera moves
    module.export(tmp_path / "expert")
    assert "motion_iou" not in json.loads((tmp_path / "expert" / "test_error.json").read_text())["times_better"]
    assert "| flow_epe_px |" in module.summary()


def test_the_trivial_predictor_is_the_same_however_the_test_set_is_batched(stores: str) -> None:
    data = [
        ExpertWorlds(world=WORLD, seeds=(0, 32), test_seeds=(100, 108), grid=4, batch_size=b, seed=0, stores=stores)
        for b in (3, 8)
    ]
    data[0].prepare_data()
    some, all_at_once = (mean_signals(each.test_dataloader()) for each in data)
    (batch,) = data[1].test_dataloader()
    assert torch.allclose(all_at_once["rays"], batch["values"]["rays"].mean((0, 1)))
    assert torch.allclose(all_at_once["depth"], batch["values"]["depth"].mean((0, 1)))  # rooms are closed: all is seen
    for name, mean in all_at_once.items():
        assert torch.allclose(some[name], mean, atol=1e-5)


@pytest.mark.long
def test_experts_are_averaged_and_trained_further(expert: Expert4D, tmp_path: Path) -> None:
    other = build_expert(seed=1)
    for folder, each in (("one", expert), ("two", other)):
        each.save_pretrained(tmp_path / folder)
    mean = expert_to_train([tmp_path / "one", tmp_path / "two"])
    one, two = expert.state_dict(), other.state_dict()
    for name, value in mean.state_dict().items():
        assert torch.allclose(value, (one[name] + two[name]) / 2)
    untaught = Expert4D(Expert4DConfig.from_pretrained(tmp_path / "one"))
    for (name, parameter), like in zip(mean.named_parameters(), untaught.parameters(), strict=True):
        assert parameter.requires_grad == like.requires_grad, name
    with pytest.raises(ValueError, match="no 4D expert in"):
        expert_to_train([tmp_path / "one", tmp_path / "three"])


def test_one_scale_a_clip_is_forgiven_in_one_of_the_depth_errors_and_a_perfect_prediction_has_none() -> None:
    generator = torch.Generator().manual_seed(0)
    values = {name: torch.rand(2, 3, c, 4, 4, generator=generator) for name, c in CHANNELS.items()}
    values["motion"] -= 0.5
    valid = {name: torch.ones(2, 3, 1, 4, 4, dtype=torch.bool) for name in CHANNELS}
    exact = {name: error for name, (error, _) in signal_errors(values, values, valid).items()}
    assert exact.pop("motion_iou") == 1
    assert max(exact.values()) < 0.1  # degrees: float32 near an angle of zero
    twice = {**values, "depth": values["depth"] + math.log(2)}
    errors = signal_errors(twice, values, valid)
    assert errors["depth_abs_rel"][0] == pytest.approx(1)
    assert errors["depth_abs_rel_one_scale_a_clip"][0] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("permuted", "accelerator", "precision"),
    [
        (False, "cpu", "32-true"),
        (True, "cpu", "32-true"),
        pytest.param(False, "gpu", "bf16-mixed", marks=pytest.mark.gpu),
    ],
)
def test_a_student_trains_with_cached_targets(
    expert: Expert4D, stores: str, tmp_path: Path, permuted: bool, accelerator: str, precision: str
) -> None:
    model, processor = build_student(position_encoding=False, region_pool="trajectory")
    data = taught_data(
        teacher=expert,
        permuted=permuted,
        targets=str(tmp_path / "targets"),
        processor=processor,
        categories=("speed", "distance", "elapsed"),
        questions_per_clip=4,
        stores=stores,
    )
    module = PerceptualDistillation(
        teacher=expert, model=model, processor=processor, learning_rate=1e-3, log_grad_norms_every=1
    )
    assert module.perception is not None
    before = module.perception.layers[0].weight.detach().clone()  # type: ignore[union-attr,operator]
    options: dict[str, Any] = {"precision": precision, "gradient_clip_val": 1.0}
    trainer = fit(module, data, tmp_path, 2, accelerator, **options)
    assert not torch.equal(module.perception.layers[0].weight.cpu(), before)  # type: ignore[union-attr,arg-type]
    logged = trainer.callback_metrics
    for name in ("answers", "latent", "depth", "flow", "motion", "rays"):
        assert float(logged[f"loss_{name}"]) > 0
        assert float(logged[f"gradient_{name}"]) > 0
    assert {name for name in logged if name.startswith("loss")} == set(module.loss_names)
    assert not any("teacher" in key or "expert" in key for key in module.state_dict())
    module.export(tmp_path / "student")
    assert expert.digest in module.summary()
    own = data.dataset()
    targets = data.cache
    same = [torch.equal(own[i][1].latents, targets[i].latents) for i in range(16)]  # type: ignore[arg-type]
    assert all(same) != permuted
    assert any(same) != permuted


def test_heads_of_the_students_own_are_trained(stores: str, tmp_path: Path) -> None:
    oracle = Oracle(WORLD.frames, WORLD.height, grid=4)
    model, processor = build_student(position_encoding=False)
    data = taught_data(
        teacher=oracle, targets=str(tmp_path / "targets"), processor=processor, categories=("distance",), stores=stores
    )
    module = PerceptualDistillation(
        teacher=oracle, model=model, processor=processor, learning_rate=1e-3, latent=False, log_grad_norms_every=0
    )
    assert module.own_heads is not None
    before = [p.detach().clone() for p in module.own_heads.parameters() if p.requires_grad]
    fit(module, data, tmp_path, steps=2)
    after = [p for p in module.own_heads.parameters() if p.requires_grad]
    assert all(not torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_data_that_a_teacher_cannot_follow_are_refused(expert: Expert4D, stores: str) -> None:
    def data(**options: Any) -> TaughtWorldQuestions:
        processor = build_student()[1]
        return taught_data(teacher=expert, processor=processor, categories=("distance",), stores=stores, **options)

    with pytest.raises(ValueError, match="surface_box_prob"):
        data(surface_box_prob=0.3)
    with pytest.raises(ValueError, match="clips of 4 frames, the worlds have 6"):
        data(world=replace(WORLD, frames=6))
    assert data(with_targets=False, world=replace(WORLD, frames=6)).cache is None


def test_clips_without_answers_serve_distillation_alone(expert: Expert4D, stores: str, tmp_path: Path) -> None:
    model, processor = build_student(position_encoding=False)
    settings: dict[str, Any] = {"processor": processor, "categories": ("distance",), "stores": stores}
    data = taught_data(
        teacher=expert, labelled=2, labelled_share=0.25, batch_size=16, targets=str(tmp_path / "targets"), **settings
    )
    data.prepare_data()
    batch = next(iter(data.train_dataloader()))
    answered = (batch["labels"] != IGNORED).any(1)
    assert answered.sum() == 4  # a quarter of the 16 clips of an epoch, two clips twice
    assert len(batch["targets"].values["depth"]) == 16
    assert (data.dataset()[1][0].answers or ())[0].tolist() != []
    assert [len(answer) for answer in data.dataset()[2][0].answers or ()] == [0, 0]
    assert data.summary().endswith(", 2 of them with answers")

    module = PerceptualDistillation(
        teacher=expert, model=model, processor=processor, learning_rate=1e-3, equal_answers=True, log_grad_norms_every=0
    )
    silent = data.collator()([data.dataset()[k] for k in (5, 9)])
    loss = module.training_step(silent, 0)
    assert float(module.step_losses["loss_answers"]) == 0
    assert 0 < float(loss.detach()) < math.inf
    half = torch.tensor(0.5)  # a token in one of two accumulated batches
    assert module.answered({STEP_ANSWERS: half}) == half
    with pytest.raises(ValueError, match=r"labelled_share=1\.0: give .* a share between 0 and 1"):
        taught_data(teacher=expert, labelled=2, labelled_share=1.0, **settings)
    for wrong in (0, 16):
        with pytest.raises(ValueError, match=f"data.labelled={wrong} .* give from 1 to 15 of 16 clips"):
            taught_data(teacher=expert, labelled=wrong, **settings)


def test_an_arm_without_distillation_reads_no_targets(expert: Expert4D, stores: str, tmp_path: Path) -> None:
    model, processor = build_student(position_encoding=False)
    data = taught_data(
        teacher=expert,
        with_targets=False,
        targets=str(tmp_path / "targets"),
        processor=processor,
        categories=("distance",),
        stores=stores,
    )
    module = PerceptualDistillation(
        teacher=expert, model=model, processor=processor, learning_rate=1e-3, latent=False, explicit=False
    )
    fit(module, data, tmp_path, steps=1)
    assert module.perception is None
    assert not (tmp_path / "targets").exists()
