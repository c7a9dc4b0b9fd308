"""The base class of all trainings: one optimizer with its schedule, a summary for the model card, and an export."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from lightning import LightningModule, Trainer

from training.optimizers import Parameters, adamw
from training.sharding import is_sharded


class TrainingModule(LightningModule, ABC):
    """The interface that `region4d train` needs of a training module.

    Args:
        learning_rate: peak learning rate, after warm-up.
        weight_decay: decoupled weight decay; 0 for none.
        warmup_fraction: share of all steps in which the learning rate rises linearly.
        final_rate: learning rate after the last step, to which it falls as a cosine.
        optimizer: function of `training.optimizers` that builds the optimizer and its schedule.

    Raises:
        ValueError: `optimizer` is not a function, or `final_rate` is not from 0 to the peak.
    """

    adam_betas: ClassVar[tuple[float, float]] = (0.9, 0.98)

    def __init__(
        self,
        *,
        learning_rate: float,
        weight_decay: float = 0.0,
        warmup_fraction: float = 0.03,
        final_rate: float = 0.0,
        optimizer: Callable[..., dict[str, Any]] = adamw,
    ) -> None:
        super().__init__()
        if not callable(optimizer):
            raise ValueError(
                f"module.optimizer={optimizer!r} is not a function: choose an option of configs/optimizer, "
                "optimizer=adamw or optimizer=muon"
            )
        if not 0 <= final_rate <= learning_rate:
            raise ValueError(
                f"module.final_rate={final_rate} is not from 0 to the peak, module.learning_rate={learning_rate}: "
                "choose a rate in between"
            )
        self.optimizer, self.learning_rate = optimizer, learning_rate
        self.weight_decay, self.warmup_fraction, self.final_rate = weight_decay, warmup_fraction, final_rate

    def check_trainer(self, trainer: Trainer) -> None:
        """Raise ValueError where the trainer shards models, which only fine-tuning of SR-3D can."""
        if is_sharded(trainer):
            raise ValueError(f"{type(self).__name__} cannot be sharded: choose trainer=ddp or trainer=default")

    def configure_model(self) -> None:
        """Check the trainer; ValueError where this training cannot use it."""
        self.check_trainer(self.trainer)

    def trained_parameters(self) -> Parameters:
        """Return the parameters that the optimizer updates, or groups of them with options of their own."""
        parameters: Parameters = self.parameters()
        return parameters

    def configure_optimizers(self) -> dict[str, Any]:
        """Build the optimizer and its schedule over the planned number of steps."""
        return self.optimizer(
            self.trained_parameters(),
            self.trainer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            warmup_fraction=self.warmup_fraction,
            betas=self.adam_betas,
            final_rate=self.final_rate,
        )

    @abstractmethod
    def summary(self) -> str:
        """Describe the trained model in Markdown, for its card."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write the trained model into a folder."""
