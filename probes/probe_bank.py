"""Many probes trained at once, on features of several layers and with several seeds, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.optim import Optimizer

from models.training import adamw
from probes.clip_sets import SPLITS
from probes.losses import camera_loss, depth_loss, point_loss
from probes.pose_encoding import encode_pose
from probes.probe import Perceived, Probe
from probes.probe_training import SHOWN, clip_errors, clouds, write_probe

LOSSES = ("points", "depth", "camera")


class ProbeBank(LightningModule):
    """Fit one probe for every layer and seed: `ProbeTraining` of each, on the same batches.

    Parameters are stacked, (layer, seed, ...). On a GPU all probes run as one (`torch.func.vmap`), for each alone would
    leave it idle; elsewhere one after the other, which is faster there. Gradients are clipped probe by probe.

    Args:
        probe: makes a probe.
        layers: that are read, in the order of the features.
        seeds: of the probes' weights.
        learning_rate: peak.
        weight_decay: of AdamW.
        warmup_fraction: of all steps.
    """

    def __init__(
        self,
        *,
        probe: Callable[[], Probe],
        layers: Sequence[int],
        seeds: Sequence[int],
        learning_rate: float,
        weight_decay: float = 0.05,
        warmup_fraction: float = 0.1,
    ) -> None:
        super().__init__()
        self.layers, self.seeds = list(layers), list(seeds)
        self.learning_rate, self.weight_decay, self.warmup_fraction = learning_rate, weight_decay, warmup_fraction
        made = [seeded(probe, seed) for seed in self.seeds]
        self.names = [name for name, _ in made[0].named_parameters()]
        each = [torch.stack([one.get_parameter(name).detach() for one in made]) for name in self.names]
        self.stacks = nn.ParameterList(torch.stack([stack] * len(self.layers)) for stack in each)
        self.count, self.channels = sum(p.numel() for p in made[0].parameters()), made[0].channels
        self.shape = (made[0].to("meta"),)  # its forward alone is used; in a tuple, its parameters are not ours
        self.errors: dict[tuple[int, int], dict[str, dict[str, dict[str, float]]]] = {}
        self.clouds: dict[tuple[int, int], dict[str, Tensor]] = {place: {} for place in self.places()}
        self.features: dict[int, dict[str, Any]] = {}

    def places(self) -> Iterator[tuple[int, int]]:
        """Count the probes, by number of layer and of seed."""
        return product(range(len(self.layers)), range(len(self.seeds)))

    def setup(self, stage: str) -> None:
        """Refuse features of another width.

        Raises:
            ValueError: so they are.
        """
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        if data.channels != self.channels:
            raise ValueError(
                f"the features have {data.channels} channels, the probes read {self.channels}: "
                f"set model.channels={data.channels}"
            )
        self.features = {layer: data.notes(layer) for layer in self.layers}

    def parameters_of(self, layer: int, seed: int) -> dict[str, Tensor]:
        """Take the parameters of one probe out of the stacks."""
        return {name: stack[layer, seed] for name, stack in zip(self.names, self.stacks, strict=True)}

    def losses(self, features: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        """Compute the three losses of every probe, (layer, seed, loss); features are (layer, batch, view, ...)."""
        of_one = partial(self.losses_of_one, labels)
        if features.device.type == "cuda":
            stacks = dict(zip(self.names, self.stacks, strict=True))
            together: Tensor = vmap(vmap(of_one, in_dims=(0, None)))(stacks, features)
            return together
        alone = [of_one(self.parameters_of(layer, seed), features[layer]) for layer, seed in self.places()]
        return torch.stack(alone).unflatten(0, (len(self.layers), len(self.seeds)))

    def losses_of_one(self, labels: Mapping[str, Tensor], parameters: dict[str, Tensor], features: Tensor) -> Tensor:
        """Compute the three losses of the probe with these parameters; features are (batch, view, ...)."""
        height, width = labels["depth"].shape[-2:]
        camera = encode_pose(labels["cam_T_world"], labels["intrinsics"], height, width)
        found: Perceived = functional_call(self.shape[0], parameters, (features, (height, width)))
        points = point_loss(found.points, labels["points"], labels["confidence"], labels["valid"])
        depth = depth_loss(found.depth, labels["depth"], labels["confidence"], labels["valid"])
        return torch.stack([points, depth, camera_loss(found.cameras, camera)])

    def training_step(self, batch: Mapping[str, Any], batch_index: int) -> Tensor:
        """Take the sum of the losses of all probes: none has a gradient from another's."""
        losses = self.losses(batch["features"], batch["labels"])
        self.log_dict({f"loss_{name}": loss for name, loss in zip(LOSSES, losses.mean((0, 1)), strict=True)})
        self.log("loss", losses.sum(-1).mean(), prog_bar=True)
        return losses.sum()

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the norm of each probe's gradient."""
        if not gradient_clip_val:
            return
        gradients = [stack.grad for stack in self.stacks if stack.grad is not None]
        norm = torch.stack([each.flatten(2).square().sum(-1) for each in gradients]).sum(0).sqrt()
        share = (gradient_clip_val / (norm + 1e-6)).clamp_max(1)
        for each in gradients:
            each.mul_(share[(..., *[None] * (each.ndim - 2))])

    def test_step(self, batch: Mapping[str, Any], batch_index: int, dataloader_idx: int = 0) -> None:
        """Measure every clip by every probe; keep the points of some test clips."""
        split, labels = SPLITS[1:][dataloader_idx], batch["labels"]
        size = tuple(labels["depth"].shape[-2:])
        for layer, seed in self.places():
            parameters = self.parameters_of(layer, seed)
            found: Perceived = functional_call(self.shape[0], parameters, (batch["features"][layer], size))
            errors = self.errors.setdefault((layer, seed), {}).setdefault(split, {})
            before = len(errors)
            errors |= zip(
                batch["clips"], clip_errors(found.points, found.depth, found.cameras[-1], labels), strict=True
            )
            if split == "test":
                shown = batch["clips"][: max(0, SHOWN - before)]
                self.clouds[layer, seed] |= clouds(shown, found.points, labels)

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW, warm-up then cosine (specs/vidfm3d.md 3.2)."""
        return adamw(
            self.parameters(),
            self.trainer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            warmup_fraction=self.warmup_fraction,
            betas=(0.9, 0.95),
        )

    def summary(self) -> str:
        """Say what it is, for its card."""
        return (
            f"{len(self.layers) * len(self.seeds)} probes of {self.count / 1e6:.2f} M parameters that read points, "
            "depth and cameras from frozen features, trained beside each other."
        )

    def export(self, folder: Path) -> None:
        """Write, for each probe, its weights, the errors of every clip, and the points of some."""
        for layer, seed in self.places():
            parameters = {name: value.detach() for name, value in self.parameters_of(layer, seed).items()}
            place = folder / probe_folder(self.layers[layer], self.seeds[seed])
            notes, errors = self.features[self.layers[layer]], self.errors.get((layer, seed), {})
            write_probe(place, parameters, notes, errors, self.clouds[layer, seed])


def probe_folder(layer: int, seed: int) -> str:
    """Name the folder of one probe of a bank."""
    return f"layer{layer}-seed{seed}"


def seeded(probe: Callable[[], Probe], seed: int) -> Probe:
    """Make a probe whose first weights are a function of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return probe()
