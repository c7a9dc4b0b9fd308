"""Distillation in two shards: as in one process, and what it exports is a plain SR-3D."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningDataModule, Trainer
from lightning.pytorch.strategies import ModelParallelStrategy
from torch.utils.data import DataLoader

from distill.data import TaughtSamples, collate_taught
from distill.student import PerceptualDistillation
from distill.teachers import Expert4D
from models.sr3d import SR3DForConditionalGeneration
from scenes.clip import Clip
from tests.support.distillation import build_student
from tests.support.programs.processes import in_two_processes
from training.sampler import SeededSampler
from training.sr3d.questions import RegionQuestions


class Taught(LightningDataModule):
    """Four clips with their targets in every step."""

    def __init__(self, samples: TaughtSamples, processor: Any, batch_size: int) -> None:
        super().__init__()
        self.samples, self.batch_size = samples, batch_size
        self.collate = partial(collate_taught, partial(processor.collate, packed=True))

    def train_dataloader(self) -> DataLoader[Any]:
        order = SeededSampler(len(self.samples), seed=0)
        return DataLoader(self.samples, self.batch_size, sampler=order, collate_fn=self.collate)


@pytest.fixture
def module(expert: Expert4D) -> PerceptualDistillation:
    model, processor = build_student(position_encoding=False, region_pool="trajectory")
    return PerceptualDistillation(
        teacher=expert, model=model, processor=processor, learning_rate=1e-3, loss_scale=10.0, log_grad_norms_every=1
    )


@pytest.fixture
def samples(module: PerceptualDistillation, expert: Expert4D, clips: list[Clip]) -> TaughtSamples:
    some = clips[:4]
    questions = RegionQuestions(some, module.processor, categories=("speed", "distance"), per_clip=2, seed=0)
    return TaughtSamples([questions[i] for i in range(4)], [expert.targets(clip) for clip in some], range(4))


def fit(module: PerceptualDistillation, samples: TaughtSamples, folder: Path, batch_size: int, **options: Any) -> None:
    trainer = Trainer(
        accelerator="cpu", max_steps=2, max_epochs=-1, logger=False, enable_checkpointing=False, gradient_clip_val=0.05,
        enable_progress_bar=False, enable_model_summary=False, use_distributed_sampler=False, default_root_dir=folder,
        **options,
    )  # fmt: skip
    trainer.fit(module, Taught(samples, module.processor, batch_size))
    if trainer.is_global_zero:
        module.export(folder / "model")
        losses = {name: float(value) for name, value in trainer.callback_metrics.items()}
        torch.save(losses, folder / "losses.pt")


def fit_with_shards(module: PerceptualDistillation, samples: TaughtSamples, folder: Path) -> None:
    strategy = ModelParallelStrategy(save_distributed_checkpoint=False)
    fit(module, samples, folder, 2, strategy=strategy, devices=2)


@pytest.mark.long
def test_two_shards_distil_as_one_process_does(
    module: PerceptualDistillation, samples: TaughtSamples, tmp_path: Path
) -> None:
    fit(copy.deepcopy(module), samples, tmp_path / "one", 4)
    in_two_processes(fit_with_shards, module, samples, tmp_path / "two")
    one, two = (torch.load(tmp_path / name / "losses.pt") for name in ("one", "two"))
    assert {"loss_answers", "loss_latent", "loss_depth", "loss_flow"} <= set(one)
    for name in one:  # of the second step
        if name.startswith("loss"):
            assert two[name] == pytest.approx(one[name], rel=1e-3), name
    ours, theirs = (dict(exported(tmp_path / name).named_parameters()) for name in ("two", "one"))
    for name, before in module.model.named_parameters():
        far = (theirs[name] - before).detach()
        assert far.norm() > 1e-4 or not before.requires_grad or name.endswith("k_proj.bias"), name
        assert (ours[name] - theirs[name]).norm() < 1e-3 * far.norm() + 1e-6, name


def exported(folder: Path) -> SR3DForConditionalGeneration:
    model: SR3DForConditionalGeneration = SR3DForConditionalGeneration.from_pretrained(folder / "model")
    return model
