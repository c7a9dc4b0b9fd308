"""Weights that an optimizer can move: bfloat16 rounds away steps that are small beside the weight itself."""

from __future__ import annotations

from lightning import Trainer
from torch import nn

PURE = ("bf16-true", "16-true")  # precisions that declare low-precision weights, come what may


def keep_master_weights(model: nn.Module, trainer: Trainer) -> None:
    """Turn weights of half precision into float32 before the optimizer is built.

    Under autocast only trained weights are turned and frozen ones keep their type; without it, all are. A precision of
    "bf16-true" declares that weights stay as they are.
    """
    if trainer.precision in PURE:
        return
    every = not str(trainer.precision).endswith("-mixed")
    for parameter in model.parameters():
        if parameter.is_floating_point() and parameter.dtype.itemsize < 4 and (every or parameter.requires_grad):
            parameter.data = parameter.data.float()
