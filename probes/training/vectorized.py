"""Training of many probes at once, on features of several layers and with several seeds, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from probes.clips.clip_sets import SPLITS
from probes.probe import Probe
from probes.training.module import CLIPS_IN_VIEWER, clip_errors, point_clouds, write_probe
from probes.training.probe_stack import LOSSES, ProbeStack
from training.module import TrainingModule


class VectorizedProbeTraining(TrainingModule):
    """Fit one probe for every layer and seed: `ProbeTraining` of each, on the same batches (see `ProbeStack`).

    Gradients are clipped probe by probe.

    Args:
        probe: builds a probe.
        layers: layers that are read, in the order of the features.
        seeds: seeds of the probes' weights.
        camera_weight: weight of the camera loss relative to points and depth; 1 as published. Where cameras move
            little, as in the worlds of a small study, that loss is a fiftieth of the others, and the blocks do not
            learn from it.
        half_blocks: see `ProbeStack`.
        graphed: see `ProbeStack`.
        **optimization: of `TrainingModule`.
    """

    adam_betas = (0.9, 0.95)

    def __init__(
        self,
        *,
        probe: Callable[[], Probe],
        layers: Sequence[int],
        seeds: Sequence[int],
        camera_weight: float = 1.0,
        half_blocks: bool = False,
        graphed: bool = False,
        **optimization: Any,
    ) -> None:
        super().__init__(**optimization)
        self.layers, self.seeds = list(layers), list(seeds)
        self.camera_weight = camera_weight
        self.probes = nn.ModuleList(build_seeded(probe, seed) for _, seed in product(self.layers, self.seeds))
        self.stack = ProbeStack(self.probes, len(self.layers), len(self.seeds), half_blocks, graphed)
        self.errors: dict[tuple[int, int], dict[str, dict[str, dict[str, float]]]] = {}
        self.clouds: dict[tuple[int, int], dict[str, Tensor]] = {index: {} for index in self.stack.indices()}
        self.features: dict[int, dict[str, Any]] = {}  # origin of the features of each layer

    def setup(self, stage: str) -> None:
        """Check the device and the width of the features.

        Raises:
            ValueError: If `graphed` is set without a GPU, or the feature width does not match the probes.
        """
        if self.stack.graphed and self.trainer.strategy.root_device.type != "cuda":
            raise ValueError("module.graphed=true replays kernels of a GPU, but this runs without one: leave it out")
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        channels = self.probes[0].channels
        if data.channels != channels:
            raise ValueError(
                f"the features have {data.channels} channels, but the probes read {channels}: "
                f"set model.channels={data.channels}"
            )
        self.features = {layer: data.notes(layer) for layer in self.layers}

    def training_step(self, batch: Mapping[str, Any], batch_index: int) -> Tensor:
        """Sum the losses of all probes; no probe gets a gradient from another's."""
        losses = self.stack.losses(batch["features"], batch["labels"])
        self.log_dict({f"loss_{name}": loss for name, loss in zip(LOSSES, losses.mean((0, 1)), strict=True)})
        total = losses[..., :2].sum(-1) + self.camera_weight * losses[..., 2]
        self.log("loss", total.mean(), prog_bar=True)
        return total.sum()

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the norm of each probe's gradient on its own."""
        if not gradient_clip_val:
            return
        for probe in self.probes:
            nn.utils.clip_grad_norm_(probe.parameters(), gradient_clip_val)

    def test_step(self, batch: Mapping[str, Any], batch_index: int, dataloader_idx: int = 0) -> None:
        """Measure every clip with every probe; keep the points of some test clips for the viewer."""
        split, labels = SPLITS[1:][dataloader_idx], batch["labels"]
        size = (labels["depth"].shape[-2], labels["depth"].shape[-1])
        for layer, seed in self.stack.indices():
            output = self.stack.read(self.stack.parameters_of(layer, seed), batch["features"][layer], size)
            errors = self.errors.setdefault((layer, seed), {}).setdefault(split, {})
            before = len(errors)
            errors |= zip(
                batch["clips"], clip_errors(output.points, output.depth, output.cameras[-1], labels), strict=True
            )
            if split == "test":
                shown = batch["clips"][: max(0, CLIPS_IN_VIEWER - before)]
                self.clouds[layer, seed] |= point_clouds(shown, output.points, labels)

    def summary(self) -> str:
        """Describe the probes for the model card."""
        count = sum(p.numel() for p in self.probes[0].parameters())
        return (
            f"{len(self.probes)} probes of {count / 1e6:.2f} M parameters that read points, depth and cameras from "
            "frozen features, trained at once."
        )

    def export(self, folder: Path) -> None:
        """Write, for each probe, its weights, the errors of every clip, and the points of some."""
        for layer, seed in self.stack.indices():
            parameters = {name: value.detach() for name, value in self.stack.parameters_of(layer, seed).items()}
            path = folder / probe_folder(self.layers[layer], self.seeds[seed])
            notes, errors = self.features[self.layers[layer]], self.errors.get((layer, seed), {})
            write_probe(path, parameters, notes, errors, self.clouds[layer, seed])


def probe_folder(layer: int, seed: int) -> str:
    """Name the folder of one of the probes."""
    return f"layer{layer}-seed{seed}"


def build_seeded(probe: Callable[[], Probe], seed: int) -> Probe:
    """Build a probe whose initial weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return probe()
