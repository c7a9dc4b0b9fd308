from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from lightning import Trainer
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn

from training.module import TrainingModule
from training.optimizers import adamw, muon


class Line(TrainingModule):
    """Fits a linear map to ones."""

    def __init__(self, **optimization: Any) -> None:
        super().__init__(**optimization)
        self.layer = nn.Linear(3, 1)

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        return (self.layer(batch) - 1).square().mean()

    def summary(self) -> str:
        return "A line."

    def export(self, folder: Path) -> None:
        torch.save(self.layer.state_dict(), folder / "line.pt")


def test_the_rate_follows_the_schedule_of_the_chosen_optimizer(tmp_path: Path) -> None:
    module = Line(learning_rate=0.1, warmup_fraction=0.5, optimizer=muon)
    trainer = Trainer(
        max_steps=4,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module, torch.utils.data.DataLoader(torch.ones(8, 3)))
    (optimizer,) = trainer.optimizers
    assert type(optimizer).__name__ == "Muon"
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.0)


@pytest.mark.parametrize("optimizer", [adamw, muon])
def test_the_learning_rate_falls_to_its_final_value(optimizer: Callable[..., dict[str, Any]]) -> None:
    module = Line(learning_rate=1e-4, warmup_fraction=0.1, final_rate=1e-6, optimizer=optimizer)
    module.trainer = Mock(spec=Trainer, precision="32-true", estimated_stepping_batches=100)
    factor = module.configure_optimizers()["lr_scheduler"]["scheduler"].lr_lambdas[0]
    assert [1e-4 * factor(step) for step in (9, 55, 100)] == pytest.approx([1e-4, 5.05e-5, 1e-6])


def test_a_final_learning_rate_above_the_peak_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to the peak"):
        Line(learning_rate=1e-4, final_rate=1e-3)


def test_a_training_that_cannot_be_sharded_says_so() -> None:
    module = Line(learning_rate=0.1)
    module.trainer = Mock(spec=Trainer, strategy=ModelParallelStrategy())
    with pytest.raises(ValueError, match="Line cannot be sharded: choose trainer=ddp"):
        module.configure_model()
