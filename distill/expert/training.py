"""Training of the 4D expert on worlds that no student sees, and its test error beside a trivial predictor's."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from lightning import LightningDataModule
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss
from torch.utils.data import DataLoader, Dataset

from benchmarks.metrics.dense import abs_rel, end_point_error, mask_iou, ray_angle_deg
from benchmarks.statistics import Estimate, bootstrap_ratio
from distill.expert.live_worlds import LiveWorlds, WorldBatch, batch_worlds, perceive
from distill.signals import CHANNELS, RENDERED, Signals, mirrored, true_signals
from distill.teachers.expert import Expert4D
from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore
from training.module import TrainingModule
from training.sampler import SeededSampler, global_batch_size, samples_seen

log = logging.getLogger(__name__)

Batch = Mapping[str, Any]
FEW_TOKENS = 256  # up to which a CPU does better without torch's fused attention: 27 ms a clip and step, not 33
AT_ONCE = 16  # worlds rendered together by a CPU: 12 ms each, where 64 leave its cache and take 17


class Perceived(Dataset[dict[str, Any]]):
    """Clips of a store with their exact signals."""

    def __init__(self, store: WorldStore, grid: int) -> None:
        self.store, self.grid = store, grid

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> dict[str, Any]:
        clip = self.store[index]
        signals = true_signals(clip, (self.grid, self.grid))
        return {"video": clip.video, "values": signals.values, "valid": signals.valid}


class ExpertWorlds(LightningDataModule):
    """Moving worlds with exact signals: training seeds, and test seeds.

    With `online_rendering` training worlds are not stored: workers draw them and the training device renders them, 512
    in .08 s on an H200, where its 16 cores take a second. The training may then see every world once.

    Raises:
        ValueError: some test worlds are training worlds.
    """

    def __init__(
        self,
        *,
        world: WorldConfig,
        seeds: Sequence[int],
        test_seeds: Sequence[int],
        grid: int,
        batch_size: int,
        seed: int,
        stores: str = "outputs/worlds",
        workers: int = 0,
        online_rendering: bool = False,
    ) -> None:
        super().__init__()
        if max(seeds[0], test_seeds[0]) < min(seeds[1], test_seeds[1]):
            raise ValueError(f"data.seeds={list(seeds)} and data.test_seeds={list(test_seeds)} share worlds")
        self.grid, self.batch_size, self.seed, self.workers = grid, batch_size, seed, workers
        self.online_rendering = online_rendering
        self.store, self.test_store = (
            WorldStore(world, range(*chosen), RENDERED, root=Path(stores)) for chosen in (seeds, test_seeds)
        )

    def prepare_data(self) -> None:
        """Render what is missing."""
        if not self.online_rendering:
            self.store.render()
        self.test_store.render()

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch clips without end, in an order that depends on the seed alone; a resumed run continues in it."""
        worlds = LiveWorlds(self.store.config, self.store.seeds)
        if self.online_rendering and self.trainer is not None:
            drawn = self.trainer.max_steps * global_batch_size(self.trainer, self.batch_size)
            if drawn > len(worlds):
                log.warning("%d worlds are drawn from data.seeds, which has %d: they come again", drawn, len(worlds))
        at_once = None if torch.cuda.is_available() else AT_ONCE
        return DataLoader(
            worlds if self.online_rendering else Perceived(self.store, self.grid),
            self.batch_size,
            sampler=SeededSampler(len(worlds), self.seed, samples_seen(self.trainer, self.batch_size)),
            collate_fn=partial(batch_worlds, at_once=at_once) if self.online_rendering else None,
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available() and not self.online_rendering,  # half a megabyte a clip
        )

    def on_after_batch_transfer(self, batch: Batch | list[WorldBatch], dataloader_idx: int) -> Batch:
        """Render what is not rendered yet."""
        if not isinstance(batch, list):
            return batch
        videos, signals = zip(*(perceive(part, (self.grid, self.grid)) for part in batch), strict=True)
        return {
            "video": torch.cat(videos),
            "values": {name: torch.cat([each.values[name] for each in signals]) for name in CHANNELS},
            "valid": {name: torch.cat([each.valid[name] for each in signals]) for name in CHANNELS},
        }

    def test_dataloader(self) -> DataLoader[Any]:
        """Batch the test clips in order."""
        return DataLoader(Perceived(self.test_store, self.grid), self.batch_size, num_workers=self.workers)


class ExpertTraining(TrainingModule):
    """Train an expert on exact signals: smooth L1 for log depth, flow (pixels) and rays, cross entropy for motion.

    Each signal has a weight and, but for motion, the error from which on its loss is linear (`betas`, in the signal's
    unit): well below the error that is aimed at, so that the median counts and not a few edges.

    Half of the batches, by chance, are seen in a mirror (`mirror`): twice the worlds for a long training.

    The test error stands beside that of a trivial predictor: the mean log depth and mean ray of every pixel, taken from
    the test set itself (a little too good), no flow, and motion everywhere (its best guess in IoU). How many times
    better the expert is (`gains`) has its interval by a bootstrap over the test worlds.
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
        self.errors: dict[str, dict[str, list[tuple[float, float]]]] = {}  # of every test world, with its weight
        self.gains: dict[str, Estimate] = {}
        self.means: dict[str, Tensor] = {}

    def on_fit_start(self) -> None:
        """Choose how attention is computed."""
        latent = self.model.spec.latent
        if self.device.type == "cpu" and latent is not None and math.prod(latent[1:4]) <= FEW_TOKENS:
            self.model.encoder.model.set_attn_implementation("eager")

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Take the weighted sum of the losses of all signals."""
        video, signals = batch["video"], Signals(batch["values"], batch["valid"])
        if self.mirror and torch.rand(()) < 0.5:
            video, signals = video.flip(-1), mirrored(signals)
        losses = signal_losses(self.model(video), signals.values, signals.valid, self.loss_betas)
        total = torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
        self.log_dict({f"loss_{name}": loss for name, loss in losses.items()}, sync_dist=True)
        self.log("loss", total, prog_bar=True, sync_dist=True)
        return total

    def on_test_start(self) -> None:
        """Start counting, and learn the trivial predictor."""
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
        """Estimate how many times better than the trivial predictor the expert is, where that can be said."""
        for name in self.test_errors()["expert"]:
            ours, trivial = (self.errors[who][name] for who in ("expert", "trivial"))
            above, below = (ours, trivial) if name == "motion_iou" else (trivial, ours)
            if weighted_mean(below) > 0:
                self.gains[name] = bootstrap_ratio(above, below, generator=torch.Generator().manual_seed(0))

    def test_errors(self) -> dict[str, dict[str, float]]:
        """Average the errors of all test worlds, weighted by valid values; what was never to be seen is left out."""
        return {
            who: {name: weighted_mean(parts) for name, parts in errors.items() if any(weight for _, weight in parts)}
            for who, errors in self.errors.items()
        }

    def summary(self) -> str:
        """Say what the model is, for its card, with its test error: it bounds what a student can learn from it."""
        lines = ["A 4D expert: depth, backward flow, motion and camera rays from RGB frames, to teach a student with."]
        lines += ["", "| test error | expert | trivial predictor | times better [95 %] |", "| --- | --- | --- | --- |"]
        errors = self.test_errors()
        for name, error in errors.get("expert", {}).items():
            gain = self.gains.get(name)
            times = f"{gain.mean:.2f} [{gain.low:.2f}, {gain.high:.2f}]" if gain else ""
            lines.append(f"| {name} | {error:.3f} | {errors['trivial'][name]:.3f} | {times} |")
        return "\n".join(lines)

    def export(self, folder: Path) -> None:
        """Write the expert in half precision, with its test error where it was measured."""
        self.model.half().save_pretrained(folder)
        if self.errors:
            gains = {name: {"mean": g.mean, "low": g.low, "high": g.high} for name, g in self.gains.items()}
            said = {**self.test_errors(), "times_better": gains}
            (folder / "test_error.json").write_text(json.dumps(said, indent=2) + "\n")


def mean_signals(batches: Iterable[Batch]) -> dict[str, Tensor]:
    """Average log depth, where it is known, and rays of all clips and frames, for every pixel."""
    sums: dict[str, Tensor] = {}
    for batch in batches:
        seen = batch["valid"]["depth"]
        for name, part in (
            ("depth", torch.where(seen, batch["values"]["depth"], 0.0)),
            ("seen", seen.float()),
            ("rays", batch["values"]["rays"]),
            ("frames", torch.ones_like(batch["values"]["rays"])),
        ):
            sums[name] = sums.get(name, 0) + part.sum((0, 1))
    return {"depth": sums["depth"] / sums["seen"].clamp_min(1), "rays": sums["rays"] / sums["frames"]}


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


def weighted_mean(parts: Sequence[tuple[float, float]]) -> float:
    """Average values given with their weights; NaN where nothing weighs."""
    whole = sum(weight for _, weight in parts)
    return sum(value * weight for value, weight in parts if weight) / whole if whole else math.nan


def signal_errors(
    predicted: Mapping[str, Tensor], values: Mapping[str, Tensor], valid: Mapping[str, Tensor]
) -> dict[str, tuple[float, float]]:
    """Measure AbsRel, end-point error (pixels), IoU of motion, ray angle (degrees), each with its number of values.

    AbsRel is also taken with one scale a clip, the median of the ratios: what is left where a clip does not show how
    large its world is.
    """
    flow, moving = valid["flow"][:, :, 0], values["motion"] > 0
    union = ((predicted["motion"] > 0) | moving) & valid["motion"]
    seen, depth, true = valid["depth"], predicted["depth"], values["depth"]
    ratio = torch.where(seen, true - depth, torch.nan).flatten(1).nanmedian(1).values
    aligned = depth + rearrange(ratio, "b -> b 1 1 1 1")
    found = {
        "depth_abs_rel": (abs_rel(depth.exp(), true.exp(), seen), seen),
        "depth_abs_rel_one_scale_a_clip": (abs_rel(aligned.exp(), true.exp(), seen), seen),
        "flow_epe_px": (end_point_error(predicted["flow"], values["flow"], flow), flow),
        "motion_iou": (mask_iou(predicted["motion"] > 0, moving, valid["motion"]), union),
        "ray_angle_deg": (ray_angle_deg(predicted["rays"], values["rays"], valid["rays"][:, :, 0]), valid["rays"]),
    }
    return {name: (float(error), float(known.sum())) for name, (error, known) in found.items()}
