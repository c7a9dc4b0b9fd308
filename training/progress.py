"""The progress bar of a training that counts optimizer steps rather than epochs."""

from __future__ import annotations

from lightning import Trainer
from lightning.pytorch.callbacks import RichProgressBar


class StepProgressBar(RichProgressBar):
    """Shows the batches of a training until its last step, where data come without end."""

    @property
    def total_train_batches(self) -> int | float:
        """Number of batches: those of all steps, if steps limit the training, else those of an epoch."""
        if self.by_steps:
            return int(self.trainer.max_steps) * int(self.trainer.accumulate_grad_batches)
        batches: int | float = super().total_train_batches
        return batches

    @property
    def by_steps(self) -> bool:
        """Whether steps, and not epochs, limit the training."""
        return self.trainer.max_steps > 0 and self.trainer.max_epochs in (None, -1)

    def _get_train_description(self, current_epoch: int) -> str:
        return "training" if self.by_steps else super()._get_train_description(current_epoch)


def count_steps(trainer: Trainer) -> None:
    """Replace the progress bar of a trainer that has the one of Lightning."""
    for index, callback in enumerate(trainer.callbacks):
        if type(callback) is RichProgressBar:
            trainer.callbacks[index] = StepProgressBar()
