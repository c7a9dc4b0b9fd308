"""Many probes of one architecture on the same batches: the losses of each, one after the other or vectorised as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from models.geometry.camera_encoding import encode_camera
from probes.losses import camera_loss, depth_loss, point_loss
from probes.probe import ProbeOutput

LOSSES = ("points", "depth", "camera")
TARGETS = ("depth", "points", "confidence", "valid")  # labels that the losses compare with, besides cameras
BFLOAT16_MODULES = ("read_in.", "special", "within.", "among.")  # prefixes of parameters that may run in bfloat16


class ProbeStack:
    """One probe for each layer and seed; the layer decides which features it reads.

    It runs without Lightning. On a GPU all probes run as one (`torch.func.vmap`), because each alone would leave it
    idle; elsewhere they run one after the other, which is faster there.

    Args:
        probes: the probes, all seeds of the first layer first; they stay the owners of their parameters.
        layers: number of layers.
        seeds: number of seeds.
        half_blocks: whether the blocks run in bfloat16; heads stay in float32.
        graphed: whether to record the kernels of a step once and replay them (CUDA graphs), because launching them
            takes longer than running them.

    Raises:
        ValueError: the probes recompute their blocks, which a functional call cannot do.
    """

    def __init__(
        self, probes: nn.ModuleList, layers: int, seeds: int, half_blocks: bool = False, graphed: bool = False
    ) -> None:
        if any(probe.gradient_checkpointing for probe in probes):
            raise ValueError(
                "probes that are trained together keep their activations: model.gradient_checkpointing=false"
            )
        self.probes, self.shape = probes, (layers, seeds)
        self.half_blocks, self.graphed = half_blocks, graphed
        self.names = [name for name, _ in probes[0].named_parameters()]
        self.skeleton = deepcopy(probes[0]).to("meta")  # the forward alone; parameters are passed to it
        self._graph: Callable[..., Any] | None = None

    def indices(self) -> Iterator[tuple[int, int]]:
        """Enumerate the probes by (layer, seed), both counted from 0."""
        layers, seeds = self.shape
        return product(range(layers), range(seeds))

    def parameters_of(self, layer: int, seed: int) -> dict[str, Tensor]:
        """Return the parameters of one probe by name."""
        return dict(self.probes[layer * self.shape[1] + seed].named_parameters())

    def read(self, parameters: Mapping[str, Tensor], features: Tensor, size: tuple[int, int]) -> ProbeOutput:
        """Run one probe on features (batch, view, rows, cols, channel)."""
        if self.half_blocks:
            features = features.bfloat16()
            parameters = {
                name: value.bfloat16() if name.startswith(BFLOAT16_MODULES) else value
                for name, value in parameters.items()
            }
        output: ProbeOutput = functional_call(self.skeleton, dict(parameters), (features, size))
        return output

    def losses(self, features: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        """Compute the three losses of every probe, (layer, seed, loss), on features (layer, batch, view, ...)."""
        camera = encode_camera(labels["cam_T_world"], labels["intrinsics"], *map(int, labels["depth"].shape[-2:]))
        targets = (*(labels[name] for name in TARGETS), camera)
        if features.device.type != "cuda":
            one_by_one = [
                self._losses_of_one(self.parameters_of(layer, seed), features[layer], targets)
                for layer, seed in self.indices()
            ]
            losses: Tensor = torch.stack(one_by_one).unflatten(0, self.shape)
            return losses
        tensors = (features, *targets, *self.probes.parameters())
        if self.graphed and self._graph is None:
            self._graph = torch.cuda.make_graphed_callables(self.vectorized_losses, tensors, allow_unused_input=True)
        losses = (self._graph or self.vectorized_losses)(*tensors)
        return losses

    def vectorized_losses(self, features: Tensor, *rest: Tensor) -> Tensor:
        """Compute the losses of all probes as one; `rest` is the targets, the cameras, and all parameters in order."""
        targets, parameters = rest[: len(TARGETS) + 1], rest[len(TARGETS) + 1 :]
        stacks = {
            name: torch.stack(parameters[number :: len(self.names)]).unflatten(0, self.shape)
            for number, name in enumerate(self.names)
        }

        def losses_of_one(parameters: dict[str, Tensor], layer_features: Tensor) -> Tensor:
            return self._losses_of_one(parameters, layer_features, targets)

        with sdpa_kernel(SDPBackend.MATH):  # under vmap the fused kernels refuse the strides of their backward pass
            losses: Tensor = vmap(vmap(losses_of_one, in_dims=(0, None)))(stacks, features)
        return losses

    def _losses_of_one(self, parameters: Mapping[str, Tensor], features: Tensor, targets: Sequence[Tensor]) -> Tensor:
        depth, points, confidence, valid, camera = targets
        output = self.read(parameters, features, (depth.shape[-2], depth.shape[-1]))
        return torch.stack(
            [
                point_loss(output.points, points, confidence, valid),
                depth_loss(output.depth, depth, confidence, valid),
                camera_loss(output.cameras, camera),
            ]
        )
