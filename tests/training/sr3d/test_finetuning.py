from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from lightning import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.strategies import ModelParallelStrategy
from torch.utils.data import DataLoader, Dataset

from models.sr3d import Sample, SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from scenes.questions import grammar_texts
from scenes.worlds import WorldConfig, make_world, render
from training.optimizers import muon
from training.sampler import SeededSampler
from training.sr3d.adapters import LoRA
from training.sr3d.finetuning import SupervisedFineTuning
from training.sr3d.questions import RegionQuestions

CATEGORIES = ("nearer_camera", "distance", "colour")


class Prepared(Dataset[Sample]):
    """Prepared samples as a list (a class of its own, so that processes can load it)."""

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def build(seed: int = 0) -> tuple[SupervisedFineTuning, SR3DProcessor]:
    torch.manual_seed(seed)
    config = SR3DConfig(grid_encoding=True, pe_frequencies=4)
    processor = SR3DProcessor.from_config(config, train_tokenizer(grammar_texts()))
    model = SR3DForConditionalGeneration(config)
    return SupervisedFineTuning(model=model, processor=processor, learning_rate=1e-3), processor


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    _, processor = build()
    clips = render([make_world(seed, WorldConfig(frames=2)) for seed in range(8)], "cpu", ())
    questions = RegionQuestions(clips, processor, categories=CATEGORIES, per_clip=6, seed=0)
    return [questions[i] for i in range(len(questions))]


class PreparedData(LightningDataModule):
    """Prepared samples in seeded order."""

    def __init__(self, samples: list[Sample], batch_size: int) -> None:
        super().__init__()
        self.samples, self.batch_size = Prepared(samples), batch_size
        self.collate = build()[1].collate

    def train_dataloader(self) -> DataLoader[Any]:
        start = self.trainer.global_step * self.batch_size if self.trainer else 0
        sampler = SeededSampler(len(self.samples), seed=3, start=start)
        return DataLoader(self.samples, self.batch_size, sampler=sampler, collate_fn=self.collate)


def fit(
    module: LightningModule, data: LightningDataModule, folder: Path, resume: str | None = None, **options: Any
) -> torch.Tensor:
    """Train, and return the loss of the last step."""
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        gradient_clip_val=1.0,
        use_distributed_sampler=False,
        **options,
    )
    trainer.fit(module, data, ckpt_path=resume, weights_only=False if resume else None)
    return trainer.callback_metrics["loss"]


def weights(module: SupervisedFineTuning) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_a_few_steps_lower_the_loss(samples: list[Sample], tmp_path: Path) -> None:
    module, processor = build()
    batch = processor.collate(samples)
    before = module.model(**batch).loss.item()
    fit(module, PreparedData(samples, 4), tmp_path, max_steps=8, enable_checkpointing=False)
    assert module.model(**batch).loss.item() < before - 0.5


class StopAfterThreeSteps(Callback):
    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == 3:
            raise RuntimeError("pulled the plug")


def test_a_run_that_was_stopped_ends_in_the_same_weights(samples: list[Sample], tmp_path: Path) -> None:
    whole, _ = build()
    fit(whole, PreparedData(samples, 4), tmp_path, max_steps=5, enable_checkpointing=False)
    keep = ModelCheckpoint(dirpath=tmp_path, save_last=True, every_n_train_steps=2)
    stopped, _ = build()
    with pytest.raises(RuntimeError, match="plug"):
        fit(stopped, PreparedData(samples, 4), tmp_path, max_steps=5, callbacks=[keep, StopAfterThreeSteps()])
    resumed, _ = build(seed=1)
    last = str(tmp_path / "last.ckpt")
    fit(resumed, PreparedData(samples, 4), tmp_path, last, max_steps=5, enable_checkpointing=False)
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=0, atol=1e-6)  # the same operations, in order


@pytest.mark.parametrize(
    ("chosen", "trained"), [("sdpa", "shared_prefix"), ("flex_attention", "packed_flex"), ("eager", "eager")]
)
def test_an_attention_backend_that_was_chosen_by_name_is_kept(chosen: str, trained: str) -> None:
    module, processor = build()
    module.model.set_attn_implementation({"text_config": chosen})
    again = SupervisedFineTuning(model=module.model, processor=processor, learning_rate=1e-3)
    assert again.model.language_model.config._attn_implementation == trained


def test_frozen_parts_do_not_move(samples: list[Sample], tmp_path: Path) -> None:
    module, processor = build()
    frozen = SupervisedFineTuning(
        model=module.model,
        processor=processor,
        learning_rate=1e-2,
        freeze=["vision_tower"],
        gradient_checkpointing=True,
    )
    before = [p.clone() for p in frozen.model.vision_tower.parameters()]
    fit(frozen, PreparedData(samples, 4), tmp_path, max_steps=2, enable_checkpointing=False)
    after = list(frozen.model.vision_tower.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("recomputed", [False, True])
def test_a_model_that_was_loaded_recomputes_its_activations(samples: list[Sample], recomputed: bool) -> None:
    made, processor = build()
    module = SupervisedFineTuning(
        model=made.model.eval(), processor=processor, learning_rate=1e-3, gradient_checkpointing=recomputed
    )
    calls: list[int] = []
    module.model.language_model.model.layers[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    module.training_step(processor.collate(samples[:1]), 0).backward()
    assert len(calls) == (2 if recomputed else 1)


def test_arms_of_one_seed_start_from_the_same_weights() -> None:
    torch.manual_seed(5)
    flat = SR3DForConditionalGeneration(SR3DConfig(grid_encoding=True, position_encoding=False)).state_dict()
    torch.manual_seed(5)
    deep = SR3DForConditionalGeneration(SR3DConfig(grid_encoding=True, position_encoding=True)).state_dict()
    assert flat.keys() < deep.keys()
    assert all(torch.equal(flat[key], deep[key]) for key in flat)


@pytest.mark.parametrize("trained", [True, False])
def test_an_export_says_whether_its_region_extractor_was_trained(tmp_path: Path, trained: bool) -> None:
    module, _ = build()
    module.model.config.region_extractor_trained = False
    module.model.region_extractor.requires_grad_(trained)
    module.export(tmp_path)
    assert SR3DConfig.from_pretrained(tmp_path).region_extractor_trained == trained


def test_what_needs_whole_matrices_refuses_shards() -> None:
    made, processor = build()
    trainer = Mock(spec=Trainer, strategy=ModelParallelStrategy())
    made.check_trainer(trainer)
    for optimizer in (muon, partial(muon)):  # as configs/optimizer has it
        module = SupervisedFineTuning(model=made.model, processor=processor, learning_rate=1e-3, optimizer=optimizer)
        with pytest.raises(ValueError, match="choose optimizer=adamw"):
            module.check_trainer(trainer)
    module = SupervisedFineTuning(model=made.model, processor=processor, learning_rate=1e-3, adapter=LoRA())
    with pytest.raises(ValueError, match="adapters are not trained in shards: choose trainer=ddp"):
        module.check_trainer(trainer)
