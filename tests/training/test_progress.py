"""The progress bar counts to the last step where steps limit a training."""

from __future__ import annotations

import pytest
from lightning import Trainer
from lightning.pytorch.callbacks import RichProgressBar

from training.progress import StepProgressBar, count_steps


@pytest.mark.parametrize(
    ("limits", "total", "words"),
    [
        ({"max_steps": 7, "max_epochs": -1}, 21, "training"),
        ({"max_epochs": 2}, 5, "Epoch 0/1"),
    ],
)
def test_the_bar_ends_with_the_training(limits: dict[str, int], total: int, words: str) -> None:
    trainer = Trainer(**limits, accumulate_grad_batches=3, accelerator="cpu", logger=False, enable_checkpointing=False)
    count_steps(trainer)
    bar = trainer.progress_bar_callback
    assert isinstance(bar, StepProgressBar)
    bar._trainer = trainer
    trainer.fit_loop.max_batches = 5
    assert bar.total_train_batches == total
    assert bar._get_train_description(0).strip() == words


def test_a_trainer_without_a_bar_stays_without() -> None:
    trainer = Trainer(enable_progress_bar=False, accelerator="cpu", logger=False, enable_checkpointing=False)
    count_steps(trainer)
    assert not any(isinstance(callback, RichProgressBar) for callback in trainer.callbacks)
