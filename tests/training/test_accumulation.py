"""Gradients that are accumulated are those of one large batch."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningDataModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from models.sr3d import Sample, SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from training.accumulation import STEP_ANSWERS, Batches, StepBatches, by_steps
from training.sr3d.finetuning import SupervisedFineTuning

ANSWERS = ("yes", " ".join(["there is nothing in this room"] * 5))  # of very different length


class Recorded(SupervisedFineTuning):
    """Keeps the gradients of its step, before they are clipped."""

    gradients: dict[str, Tensor]

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        super().on_before_optimizer_step(optimizer)
        self.gradients = {name: p.grad.clone() for name, p in self.named_parameters() if p.grad is not None}


class Texts(LightningDataModule):
    """Two samples of text."""

    def __init__(self, samples: list[Sample], processor: SR3DProcessor, batch_size: int, counted: bool = True) -> None:
        super().__init__()
        self.samples, self.processor, self.batch_size, self.counted = samples, processor, batch_size, counted

    def train_dataloader(self) -> Batches:
        loader = DataLoader(self.samples, self.batch_size, collate_fn=self.processor.collate)  # type: ignore[arg-type,var-annotated]
        return by_steps(loader, self.trainer) if self.counted else loader


@pytest.fixture(scope="module")
def module() -> Recorded:
    torch.manual_seed(0)
    config = SR3DConfig(grid_encoding=True)
    processor = SR3DProcessor.from_config(config, train_tokenizer([*ANSWERS, "Is anything here?"]))
    return Recorded(model=SR3DForConditionalGeneration(config), processor=processor, learning_rate=1e-3)


@pytest.fixture(scope="module")
def samples(module: Recorded) -> list[Sample]:
    return [module.processor.with_conversations(None, [[("Is anything here?", answer)]]) for answer in ANSWERS]


def step(module: Recorded, data: Texts, folder: Path, batches: int) -> tuple[dict[str, Tensor], float]:
    trainer = Trainer(
        accelerator="cpu", max_steps=1, accumulate_grad_batches=batches, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
    )  # fmt: skip
    module = copy.deepcopy(module)
    trainer.fit(module, data)
    return module.gradients, float(trainer.callback_metrics["loss"])


def test_two_batches_of_one_have_the_gradients_of_one_batch_of_two(
    module: Recorded, samples: list[Sample], tmp_path: Path
) -> None:
    whole, loss = step(module, Texts(samples, module.processor, 2), tmp_path, 1)
    parts, mean = step(module, Texts(samples, module.processor, 1), tmp_path, 2)
    assert mean == pytest.approx(loss, rel=1e-5)
    assert parts.keys() == whole.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, rtol=1e-4, atol=1e-6)  # sums of another order
    losses = [module.model(**module.processor.collate([one])).loss.item() for one in samples]
    assert abs(sum(losses) / 2 - loss) > 1e-3  # a mean of means would be another loss


def test_batches_that_do_not_state_their_answers_are_refused(
    module: Recorded, samples: list[Sample], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="by_steps"):
        step(module, Texts(samples, module.processor, 1, counted=False), tmp_path, 2)


def test_the_last_step_may_have_fewer_batches() -> None:
    batches: list[dict[str, Any]] = [{"labels": torch.tensor([[-100] * (5 - n) + [7] * n])} for n in (1, 4, 2)]
    assert [float(batch[STEP_ANSWERS]) for batch in StepBatches(batches, 2)] == [2.5, 2.5, 2.0]
