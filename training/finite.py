"""Trainings that end where their loss or their weights are not numbers any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

CURE = "lower module.learning_rate, or look for damaged samples with `region4d data check`"


class StopAtNan(Callback):
    """Ends a training before it takes a step whose loss is not finite, so that all checkpoints stay good."""

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Check the loss, in all processes of a training together.

        Raises:
            ValueError: it is not finite.
        """
        finite = bool(loss.detach().isfinite().all())
        if not trainer.strategy.reduce_boolean_decision(finite, all=True):
            folder = getattr(trainer.checkpoint_callback, "dirpath", None)
            kept = "no checkpoint was kept" if folder is None else f"the checkpoints before it stay in {folder}"
            value = "not finite in another process" if finite else str(float(loss.detach().mean()))
            raise ValueError(
                f"the loss of step {trainer.global_step + 1} is {value}, so training stops; {kept}: {CURE}"
            )


def refuse_nan_weights(weights: Mapping[str, Any], step: int) -> None:
    """Raise ValueError where weights hold NaN: a gradient may overflow though the loss before it is finite."""
    for name, value in weights.items():
        if isinstance(value, Tensor) and value.is_floating_point() and bool(value.isnan().any()):
            raise ValueError(f"{name} is not a number after step {step}, so training stops and it is not kept: {CURE}")
