"""Two processes train as one does, shards or not; what they export is whole, and a training continues."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningDataModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from models.sr3d import Sample, SR3DForConditionalGeneration
from models.sr3d.bases.nvila import load_nvila_lite
from scenes.worlds import WorldConfig, make_world, render
from tests.support.folders.nvila_folder import write_nvila
from tests.support.programs.processes import in_two_processes
from training.accumulation import Batches, by_steps
from training.checkpoints import WholeCheckpointIO, read_step
from training.sampler import process_count
from training.sr3d.finetuning import SupervisedFineTuning
from training.sr3d.questions import RegionQuestions


class Dealt(Sampler[int]):
    """Deals samples out to the processes in their order."""

    def __init__(self, count: int, start: int) -> None:
        self.count, self.start = count, start

    def __iter__(self) -> Iterator[int]:
        rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
        return iter(range(self.start + rank, self.count, process_count()))


class Samples(LightningDataModule):
    """Four samples a step, in batches of any size."""

    def __init__(self, samples: list[Sample], processor: Any, batch_size: int) -> None:
        super().__init__()
        self.samples, self.processor, self.batch_size = samples, processor, batch_size

    def train_dataloader(self) -> Batches:
        assert self.trainer is not None
        order = Dealt(len(self.samples), 4 * self.trainer.global_step)
        loader = DataLoader(self.samples, self.batch_size, sampler=order, collate_fn=self.processor.collate)  # type: ignore[arg-type,var-annotated]
        return by_steps(loader, self.trainer)


@dataclass
class Training:
    """A model that is trained from its first layer on, and samples of which some have no media."""

    module: SupervisedFineTuning
    samples: list[Sample]


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    model, processor = load_nvila_lite(write_nvila(tmp_path_factory.mktemp("base") / "nvila"), dtype="float32")
    assert model.config.select_layer == -2
    torch.manual_seed(0)
    module = SupervisedFineTuning(model=model, processor=processor, learning_rate=1e-3, gradient_checkpointing=True)
    clips = render([make_world(seed, WorldConfig(height=32, width=32, frames=2)) for seed in range(6)], "cpu", ())
    questions = RegionQuestions(clips, processor, categories=("distance", "colour"), per_clip=2, seed=0)
    videos = [questions[i] for i in range(6)]
    texts = [
        processor.with_conversations(None, [[("Is this a room?", "yes")]]),
        processor.with_conversations(None, [[("Tell me more.", "Nothing that anybody could talk about.")]]),
    ]
    first = [texts[0], videos[0], texts[1], videos[1]]  # of two processes, one has no media
    return Training(module, [*first, *videos])


def fit(training: Training, folder: Path, batch_size: int, resume: Path | None = None, **options: Any) -> Trainer:
    module = copy.deepcopy(training.module)
    trainer = Trainer(
        **{
            "accelerator": "cpu",
            "max_steps": 2,
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "use_distributed_sampler": False,
            "gradient_clip_val": 0.05,  # less than the norms
            "default_root_dir": folder,
            **options,
        }
    )
    trainer.strategy.checkpoint_io = WholeCheckpointIO()
    trainer.fit(module, Samples(training.samples, module.processor, batch_size), ckpt_path=resume, weights_only=True)
    if trainer.is_global_zero:
        module.export(folder / "model")
    return trainer


def fit_with_ddp(training: Training, folder: Path) -> None:
    fit(training, folder, 2, strategy="ddp", devices=2)


def fit_with_shards(training: Training, folder: Path) -> None:
    keep = ModelCheckpoint(dirpath=folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    shards: dict[str, Any] = {
        "strategy": ModelParallelStrategy(save_distributed_checkpoint=False),
        "devices": 2,
        "accumulate_grad_batches": 2,
    }
    trainer = fit(training, folder, 1, callbacks=[keep], enable_checkpointing=True, **shards)
    module = trainer.lightning_module
    if not trainer.is_global_zero:
        with pytest.raises(ValueError, match="only its share of the model"):
            module.export(folder / "share")
    shards["strategy"] = ModelParallelStrategy(save_distributed_checkpoint=False)
    fit(training, folder / "resumed", 1, folder / "step=1.ckpt", **shards)


def moved(folder: Path, training: Training) -> dict[str, Tensor]:
    """How far every weight of an exported model has moved."""
    model = SR3DForConditionalGeneration.from_pretrained(folder / "model")
    before = dict(training.module.model.named_parameters())
    return {name: (after - before[name]).detach() for name, after in model.named_parameters()}


def assert_as_far(folder: Path, other: Path, training: Training) -> None:
    ours, theirs = moved(folder, training), moved(other, training)
    for name, far in theirs.items():
        # attention is blind to a bias that all keys share: its gradient is rounding
        assert far.norm() > (0 if name.endswith("k_proj.bias") else 1e-4), name
        assert (ours[name] - far).norm() < 1e-3 * far.norm() + 1e-6, name


@pytest.fixture(scope="module")
def alone(training: Training, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    fit(training, folder, 4)
    return folder


def test_two_processes_train_a_tower_as_one_does(training: Training, alone: Path, tmp_path: Path) -> None:
    in_two_processes(fit_with_ddp, training, tmp_path)
    assert_as_far(tmp_path, alone, training)


@pytest.mark.long
def test_two_shards_train_as_one_process_does_and_continue(training: Training, alone: Path, tmp_path: Path) -> None:
    in_two_processes(fit_with_shards, training, tmp_path)
    assert_as_far(tmp_path, alone, training)
    assert read_step(tmp_path / "step=1.ckpt") == 1
    assert_as_far(tmp_path / "resumed", alone, training)
    fit(training, tmp_path / "in one process", 4, tmp_path / "step=1.ckpt")
    assert_as_far(tmp_path / "in one process", alone, training)
    assert not (tmp_path / "share").exists()
