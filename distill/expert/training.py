"""Training of the 4D expert on worlds that no student sees."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from benchmarks.comparison.bootstrap import Estimate
from distill.expert.data import Batch
from distill.expert.errors import error_table, mean_errors, mean_signals, signal_errors, times_better
from distill.signals import CHANNELS, Signals, mirrored
from distill.teachers.expert import Expert4D
from training.module import TrainingModule

FEW_TOKENS = 256  # up to which a CPU does better without torch's fused attention: 27 ms a clip and step, not 33


class ExpertTraining(TrainingModule):
    """Train an expert on exact signals: smooth L1 for log depth, flow (pixels) and rays, cross entropy for motion.

    The test compares it with a trivial predictor: the mean log depth and mean ray of every pixel over the test set
    itself (a little too good), no flow, and motion everywhere (its best guess in IoU).

    Args:
        model: the expert.
        weights: of the loss of each signal.
        betas: error from which the loss of each signal but motion is linear, in the unit of the signal. It lies well
            below the error that the training aims at, so that the median counts and not a few edges.
        mirror: flip half of the batches, by chance: twice the worlds for a long training.
        **optimization: of `TrainingModule`.
    """

    def __init__(
        self,
        *,
        model: Expert4D,
        weights: Mapping[str, float],
        betas: Mapping[str, float],
        mirror: bool = True,
        **optimization: Any,
    ) -> None:
        super().__init__(**optimization)
        if missing := [name for name in CHANNELS if name not in weights or name not in {*betas, "motion"}]:
            raise ValueError(f"the expert needs a weight and a beta for every signal; {', '.join(missing)} lacks one")
        self.model = model
        self.weights, self.loss_betas, self.mirror = dict(weights), dict(betas), mirror
        self.errors: dict[str, dict[str, list[tuple[float, float]]]] = {}
        self.gains: dict[str, Estimate] = {}
        self.means: dict[str, Tensor] = {}

    def on_fit_start(self) -> None:
        """Choose how attention is computed."""
        latent = self.model.spec.latent
        if self.device.type == "cpu" and latent is not None and math.prod(latent[1:4]) <= FEW_TOKENS:
            self.model.encoder.model.set_attn_implementation("eager")

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the weighted sum of the losses of all signals."""
        video, signals = batch["video"], Signals(batch["values"], batch["valid"])
        if self.mirror and torch.rand(()) < 0.5:
            video, signals = video.flip(-1), mirrored(signals)
        losses = signal_losses(self.model(video), signals.values, signals.valid, self.loss_betas)
        total = torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
        self.log_dict({f"loss_{name}": loss for name, loss in losses.items()}, sync_dist=True)
        self.log("loss", total, prog_bar=True, sync_dist=True)
        return total

    def on_test_start(self) -> None:
        """Forget earlier errors, and fit the trivial predictor."""
        self.errors = {}
        loaders = self.trainer.test_dataloaders
        self.means = {name: mean.to(self.device) for name, mean in mean_signals(loaders).items()}

    def test_step(self, batch: Batch, batch_index: int) -> None:
        """Measure the expert and the trivial predictor on one batch."""
        values = batch["values"]
        trivial = {
            "depth": self.means["depth"].expand_as(values["depth"]),
            "flow": torch.zeros_like(values["flow"]),
            "motion": torch.ones_like(values["motion"]),
            "rays": self.means["rays"].expand_as(values["rays"]),
        }
        for who, predicted in (("expert", self.model(batch["video"])), ("trivial", trivial)):
            for clip in range(len(batch["video"])):
                alone = (
                    {name: of[clip : clip + 1] for name, of in each.items()}
                    for each in (predicted, values, batch["valid"])
                )
                for name, error in signal_errors(*alone).items():
                    self.errors.setdefault(who, {}).setdefault(name, []).append(error)

    def on_test_end(self) -> None:
        """Compare the expert with the trivial predictor."""
        self.gains = times_better(self.errors)

    def test_errors(self) -> dict[str, dict[str, float]]:
        """Average the errors of all test worlds, by predictor and metric."""
        return mean_errors(self.errors)

    def summary(self) -> str:
        """Describe the expert, with its test error, which bounds what a student can learn from it."""
        what = "A 4D expert: depth, backward flow, motion and camera rays from RGB frames, to teach a student with."
        return "\n".join([what, "", *error_table(self.errors, self.gains)])

    def export(self, folder: Path) -> None:
        """Write the expert in half precision, with its test error where it was measured."""
        self.model.half().save_pretrained(folder)
        if self.errors:
            gains = {name: {"mean": g.mean, "low": g.low, "high": g.high} for name, g in self.gains.items()}
            record = {**self.test_errors(), "times_better": gains}
            (folder / "test_error.json").write_text(json.dumps(record, indent=2) + "\n")


def signal_losses(
    predicted: Mapping[str, Tensor],
    values: Mapping[str, Tensor],
    valid: Mapping[str, Tensor],
    betas: Mapping[str, float],
) -> dict[str, Tensor]:
    """Compare predictions with the truth where it is known."""
    losses = {}
    for name, target in values.items():
        if name == "motion":
            each = binary_cross_entropy_with_logits(predicted[name], (target > 0).float(), reduction="none")
        else:
            each = smooth_l1_loss(predicted[name], target, reduction="none", beta=betas[name])
        known = valid[name].expand_as(each)
        losses[name] = torch.where(known, each, 0.0).sum() / known.sum().clamp_min(1)
    return losses
