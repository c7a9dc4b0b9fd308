"""Training of the 4D expert, on worlds that are disjoint from those of the students."""

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

MAX_EAGER_TOKENS = 256  # up to here eager attention is faster on a CPU: 27 ms per clip and step, 33 ms when fused


class ExpertTraining(TrainingModule):
    """Train an expert on exact signals: smooth L1 for log depth, flow (pixels) and rays, cross entropy for motion.

    The test compares it with a trivial predictor: the per-pixel mean of log depth and rays over the test set itself
    (which favours it slightly), zero flow, and motion everywhere (the constant with the best IoU).

    Args:
        model: the expert.
        weights: loss weight of each signal.
        betas: error above which the loss of each signal except motion is linear, in the unit of the signal. It lies
            well below the target error, so that the loss follows the median and not a few edges.
        mirror: flip each batch horizontally with probability 1/2, which doubles the worlds of a long training.
        **optimization: arguments of `TrainingModule`.

    Raises:
        ValueError: a signal has no weight or no beta.
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
            raise ValueError(f"module.weights or module.betas lacks {', '.join(missing)}: give both for every signal")
        self.model = model
        self.weights, self.loss_betas, self.mirror = dict(weights), dict(betas), mirror
        self.errors: dict[str, dict[str, list[tuple[float, float]]]] = {}
        self.gains: dict[str, Estimate] = {}
        self.means: dict[str, Tensor] = {}

    def on_fit_start(self) -> None:
        """Use eager attention where it is faster: for few tokens on a CPU."""
        latent = self.model.spec.latent
        if self.device.type == "cpu" and latent is not None and math.prod(latent[1:4]) <= MAX_EAGER_TOKENS:
            self.model.encoder.model.set_attn_implementation("eager")

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the weighted sum of the signals' losses."""
        video, signals = batch["video"], Signals(batch["values"], batch["valid"])
        if self.mirror and torch.rand(()) < 0.5:
            video, signals = video.flip(-1), mirrored(signals)
        losses = signal_losses(self.model(video), signals.values, signals.valid, self.loss_betas)
        total = torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
        self.log_dict({f"loss_{name}": loss for name, loss in losses.items()}, sync_dist=True)
        self.log("loss", total, prog_bar=True, sync_dist=True)
        return total

    def on_test_start(self) -> None:
        """Reset the errors and fit the trivial predictor."""
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
        for predictor, predicted in (("expert", self.model(batch["video"])), ("trivial", trivial)):
            for clip in range(len(batch["video"])):
                of_clip = (
                    {name: tensor[clip : clip + 1] for name, tensor in signals.items()}
                    for signals in (predicted, values, batch["valid"])
                )
                for name, error in signal_errors(*of_clip).items():
                    self.errors.setdefault(predictor, {}).setdefault(name, []).append(error)

    def on_test_end(self) -> None:
        """Estimate the factors by which the expert is better than the trivial predictor."""
        self.gains = times_better(self.errors)

    def test_errors(self) -> dict[str, dict[str, float]]:
        """Average the errors of all test worlds, by predictor and metric."""
        return mean_errors(self.errors)

    def summary(self) -> str:
        """Describe the expert for the model card, with its test error, which bounds what a student can learn."""
        purpose = "A 4D expert: depth, backward flow, motion and camera rays from RGB frames, to teach a student with."
        return "\n".join([purpose, "", *error_table(self.errors, self.gains)])

    def export(self, folder: Path) -> None:
        """Write the expert in half precision, and its test error if it was measured."""
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
    """Compute the loss of each signal over its valid values."""
    losses = {}
    for name, target in values.items():
        if name == "motion":
            loss = binary_cross_entropy_with_logits(predicted[name], (target > 0).float(), reduction="none")
        else:
            loss = smooth_l1_loss(predicted[name], target, reduction="none", beta=betas[name])
        counted = valid[name].expand_as(loss)
        losses[name] = torch.where(counted, loss, 0.0).sum() / counted.sum().clamp_min(1)
    return losses
