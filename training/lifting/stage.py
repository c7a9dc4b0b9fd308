"""The base of all stages of lifting: frozen and trained parts, an average of the weights, and the export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from models.lifting.checkpoint import save_model
from models.lifting.model import LiftingModel
from training.lifting.data import SeededData
from training.module import TrainingModule

STATISTICS_ITEMS = 512  # training items from which statistics are fitted


class LiftingStage(TrainingModule):
    """Train `parts` of a lifting model, and export the model with a moving average of their weights.

    Args:
        model: the lifting model; everything outside `parts` is frozen.
        averaging: decay of the moving average of the weights; 0 exports the last weights.
        **optimization: arguments of `TrainingModule`; the published recipe is AdamW without weight decay.
    """

    trained = "flow and conditioner"

    def __init__(
        self,
        *,
        model: LiftingModel,
        averaging: float = 0.998,
        **optimization: Any,
    ) -> None:
        super().__init__(**optimization)
        self.model, self.averaging = model, averaging
        self.model.requires_grad_(False)
        for part in self.parts():
            part.requires_grad_(True)
        self.average: list[Tensor] = []

    def parts(self) -> list[torch.nn.Module]:
        """List the modules that are trained."""
        return [self.model.flow, self.model.conditioner]

    @property
    def generator(self) -> torch.Generator:
        """The global generator of the device, so that random numbers need no transfer."""
        if self.device.type == "cuda":
            return torch.cuda.default_generators[self.device.index or 0]
        return torch.default_generator

    @property
    def items(self) -> SeededData:
        """The training data."""
        return self.trainer.datamodule  # type: ignore[attr-defined, no-any-return]

    def trained_parameters(self) -> list[Tensor]:
        """List the parameters of the trained modules."""
        return [p for part in self.parts() for p in part.parameters() if p.requires_grad]

    def on_train_start(self) -> None:
        """Start the average at the initial weights, or continue that of a checkpoint."""
        parameters = self.trained_parameters()
        initial = self.average or parameters
        self.average = [mean.detach().to(p, copy=True) for mean, p in zip(initial, parameters, strict=True)]

    @torch.no_grad()
    def on_train_batch_end(self, *_: Any) -> None:
        """Update the average, with a smaller decay in the first steps."""
        decay = min(self.averaging, (1 + self.global_step) / (10 + self.global_step))
        get_ema_multi_avg_fn(decay)(self.average, self.trained_parameters(), None)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the average in the checkpoint."""
        checkpoint["average"] = self.average

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the average from the checkpoint."""
        self.average = checkpoint["average"]

    @torch.no_grad()
    def take_average(self) -> None:
        """Copy the average into the model."""
        for mean, value in zip(self.average, self.trained_parameters(), strict=True):
            value.copy_(mean)

    def export(self, folder: Path) -> None:
        """Write the whole model, with the averaged weights of the trained modules.

        A calibration of its confidence was of other weights, and is left out.
        """
        self.take_average()
        self.model.calibration = None
        save_model(self.model, folder)

    def summary(self) -> str:
        """Describe the model and its trained part for the model card."""
        count = sum(p.numel() for p in self.model.parameters())
        return (
            f"A lifting model (SAM 3D's design at a small size), {count / 1e6:.2f} M parameters; trained here: "
            f"{self.trained}."
        )
