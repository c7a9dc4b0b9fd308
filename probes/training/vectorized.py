"""Many probes trained at once, on features of several layers and with several seeds, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim import Optimizer

from probes.clips.clip_sets import SPLITS
from probes.losses import camera_loss, depth_loss, point_loss
from probes.pose_encoding import encode_pose
from probes.probe import Perceived, Probe
from probes.training.module import SHOWN, clip_errors, clouds, write_probe
from training.module import TrainingModule

LOSSES = ("points", "depth", "camera")
LABELS = ("depth", "points", "confidence", "valid")  # that losses compare with, beside cameras
BLOCKS = ("read_in.", "special", "within.", "among.")  # parameters of what may run in bfloat16


class ProbeBank(TrainingModule):
    """Fit one probe for every layer and seed: `ProbeTraining` of each, on the same batches.

    On a GPU all probes run as one (`torch.func.vmap`), for each alone would leave it idle; elsewhere one after the
    other, which is faster there. Gradients are clipped probe by probe.

    Args:
        probe: makes a probe.
        layers: that are read, in the order of the features.
        seeds: of the probes' weights.
        camera_weight: of the camera loss beside points and depth; 1 as published. Where cameras move little, as in the
            worlds of a small study, that loss is a fiftieth of the others, and the blocks learn nothing for it.
        half_blocks: run the blocks in bfloat16; heads stay in float32.
        graphed: record the kernels of a step once and replay them (CUDA graphs), for launching them takes longer than
            they run.
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
        self.half_blocks, self.graphed = half_blocks, graphed
        self.probes = nn.ModuleList(seeded(probe, seed) for _, seed in product(self.layers, self.seeds))
        one = seeded(probe, 0)
        self.names = [name for name, _ in one.named_parameters()]
        self.count, self.channels = sum(p.numel() for p in one.parameters()), one.channels
        self.shape = (one.to("meta"),)  # its forward alone is used; in a tuple, its parameters are not ours
        self.errors: dict[tuple[int, int], dict[str, dict[str, dict[str, float]]]] = {}
        self.clouds: dict[tuple[int, int], dict[str, Tensor]] = {place: {} for place in self.places()}
        self.features: dict[int, dict[str, Any]] = {}
        self._graph: Callable[..., Any] | None = None

    def places(self) -> Iterator[tuple[int, int]]:
        """Count the probes, by number of layer and of seed."""
        return product(range(len(self.layers)), range(len(self.seeds)))

    def setup(self, stage: str) -> None:
        """Refuse features of another width.

        Raises:
            ValueError: so they are, or kernels are to be recorded where there is no GPU.
        """
        if self.graphed and self.trainer.strategy.root_device.type != "cuda":
            raise ValueError("module.graphed=true records kernels of a GPU, and this runs on none: leave it out")
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        if data.channels != self.channels:
            raise ValueError(
                f"the features have {data.channels} channels, the probes read {self.channels}: "
                f"set model.channels={data.channels}"
            )
        self.features = {layer: data.notes(layer) for layer in self.layers}

    def parameters_of(self, layer: int, seed: int) -> dict[str, Tensor]:
        """Take the parameters of one probe."""
        return dict(self.probes[layer * len(self.seeds) + seed].named_parameters())

    def losses(self, features: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        """Compute the three losses of every probe, (layer, seed, loss); features are (layer, batch, view, ...)."""
        camera = encode_pose(labels["cam_T_world"], labels["intrinsics"], *map(int, labels["depth"].shape[-2:]))
        given = (*(labels[name] for name in LABELS), camera)
        if features.device.type != "cuda":
            alone = [
                self._one(self.parameters_of(layer, seed), features[layer], given) for layer, seed in self.places()
            ]
            shaped: Tensor = torch.stack(alone).unflatten(0, (len(self.layers), len(self.seeds)))
            return shaped
        tensors = (features, *given, *self.probes.parameters())
        if self.graphed and self._graph is None:
            self._graph = torch.cuda.make_graphed_callables(self.together, tensors, allow_unused_input=True)
        found: Tensor = (self._graph or self.together)(*tensors)
        return found

    def together(self, features: Tensor, *rest: Tensor) -> Tensor:
        """Compute the losses of all probes as one; `rest` is labels, cameras, parameters, one after the other."""
        given, parameters = rest[: len(LABELS) + 1], rest[len(LABELS) + 1 :]
        shape = (len(self.layers), len(self.seeds))
        stacks = {
            name: torch.stack(parameters[number :: len(self.names)]).unflatten(0, shape)
            for number, name in enumerate(self.names)
        }

        def of_one(parameters: dict[str, Tensor], read: Tensor) -> Tensor:
            return self._one(parameters, read, given)

        with sdpa_kernel(SDPBackend.MATH):  # under vmap the fused kernels refuse the strides of their backward pass
            found: Tensor = vmap(vmap(of_one, in_dims=(0, None)))(stacks, features)
        return found

    def _one(self, parameters: Mapping[str, Tensor], features: Tensor, given: Sequence[Tensor]) -> Tensor:
        depth, points, confidence, valid, camera = given
        found = self.read(parameters, features, (depth.shape[-2], depth.shape[-1]))
        return torch.stack(
            [
                point_loss(found.points, points, confidence, valid),
                depth_loss(found.depth, depth, confidence, valid),
                camera_loss(found.cameras, camera),
            ]
        )

    def read(self, parameters: Mapping[str, Tensor], features: Tensor, size: tuple[int, int]) -> Perceived:
        """Run one probe."""
        if self.half_blocks:
            features = features.bfloat16()
            parameters = {
                name: value.bfloat16() if name.startswith(BLOCKS) else value for name, value in parameters.items()
            }
        found: Perceived = functional_call(self.shape[0], dict(parameters), (features, size))
        return found

    def training_step(self, batch: Mapping[str, Any], batch_index: int) -> Tensor:
        """Take the sum of the losses of all probes: none has a gradient from another's."""
        losses = self.losses(batch["features"], batch["labels"])
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
        """Clip the norm of each probe's gradient."""
        if not gradient_clip_val:
            return
        for probe in self.probes:
            nn.utils.clip_grad_norm_(probe.parameters(), gradient_clip_val)

    def test_step(self, batch: Mapping[str, Any], batch_index: int, dataloader_idx: int = 0) -> None:
        """Measure every clip by every probe; keep the points of some test clips."""
        split, labels = SPLITS[1:][dataloader_idx], batch["labels"]
        size = (labels["depth"].shape[-2], labels["depth"].shape[-1])
        for layer, seed in self.places():
            found = self.read(self.parameters_of(layer, seed), batch["features"][layer], size)
            errors = self.errors.setdefault((layer, seed), {}).setdefault(split, {})
            before = len(errors)
            errors |= zip(
                batch["clips"], clip_errors(found.points, found.depth, found.cameras[-1], labels), strict=True
            )
            if split == "test":
                shown = batch["clips"][: max(0, SHOWN - before)]
                self.clouds[layer, seed] |= clouds(shown, found.points, labels)

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
