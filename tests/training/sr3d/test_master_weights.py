"""A model in bfloat16 is moved by small steps, and written in bfloat16."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from lightning import Trainer

from models.sr3d import SR3DForConditionalGeneration
from models.sr3d.bases.nvila import load_nvila_lite
from models.sr3d.inputs.processor import SR3DProcessor
from scenes.worlds import WorldConfig
from tests.support.folders.nvila_folder import write_nvila
from training.sr3d.finetuning import SupervisedFineTuning, WorldQuestions

STEPS, RATE = 30, 5e-5  # of SR-3D's recipe


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[SR3DForConditionalGeneration, SR3DProcessor]:
    model, processor = load_nvila_lite(write_nvila(tmp_path_factory.mktemp("base") / "nvila"))
    assert model.dtype == torch.bfloat16
    return model, processor


def train(
    loaded: tuple[SR3DForConditionalGeneration, SR3DProcessor], stores: Path, precision: str
) -> tuple[SupervisedFineTuning, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    model, processor = copy.deepcopy(loaded[0]), loaded[1]
    module = SupervisedFineTuning(
        model=model, processor=processor, learning_rate=RATE, warmup_fraction=0.03, freeze=["vision_tower"]
    )
    before = {name: each.detach().float().clone() for name, each in module.model.named_parameters()}
    data = WorldQuestions(
        processor=processor, world=WorldConfig(height=64, width=64, frames=2), seeds=(0, 4), batch_size=2, seed=0,
        categories=["distance", "nearer_camera"], questions_per_clip=3, stores=str(stores),
    )  # fmt: skip
    trainer = Trainer(
        max_steps=STEPS, precision=precision, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, use_distributed_sampler=False, gradient_clip_val=1.0,
        default_root_dir=stores,
    )  # fmt: skip
    trainer.fit(module, data)
    return module, before


def unchanged(module: SupervisedFineTuning, before: dict[str, torch.Tensor]) -> float:
    """The share of entries of trained matrices that did not move; rows of words that never came are no matter."""
    same = total = 0
    for name, weight in module.model.named_parameters():
        if weight.requires_grad and weight.ndim == 2 and "embed" not in name:
            same += int((weight.detach().float() == before[name]).sum())
            total += weight.numel()
    return same / total


@pytest.mark.long
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_less_than_one_percent_of_entries_stays(
    loaded: tuple[SR3DForConditionalGeneration, SR3DProcessor], tmp_path: Path, precision: str
) -> None:
    module, before = train(loaded, tmp_path, precision)
    assert unchanged(module, before) < 0.01
    tower = next(module.model.vision_tower.parameters())
    assert tower.dtype == (torch.bfloat16 if precision == "bf16-mixed" else torch.float32)  # frozen
    module.export(tmp_path / "model")
    assert SR3DForConditionalGeneration.from_pretrained(tmp_path / "model").dtype == torch.bfloat16


@pytest.mark.long
def test_pure_bfloat16_is_declared_and_loses_steps(
    loaded: tuple[SR3DForConditionalGeneration, SR3DProcessor], tmp_path: Path
) -> None:
    module, before = train(loaded, tmp_path, "bf16-true")
    assert module.model.dtype == torch.bfloat16
    assert unchanged(module, before) > 0.2
