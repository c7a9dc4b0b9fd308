"""The frozen models whose features a visitor can look at: those that need no download, and those of `--probe`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from jaxtyping import Float
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import load_file
from torch import Tensor

from probes.extractors.extractor import Extractor
from probes.extractors.noise import Noise
from probes.features.options import ExtractionOptions
from probes.probe import Probe
from region4d.app.probing.linear_head import FRAMES, VIEWS, FittingWorlds, LinearHead, fit_heads
from region4d.app.work import Report
from region4d.configuration.compose import CONFIGS, build

SHIPPED = ("world_video_mae", "world_image_mae", "world_video_flow", "pixels")  # of configs/extractor


class Head(Protocol):
    """What predicts points and depth from the features of a layer."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the maps."""

    def predict(
        self, features: Float[Tensor, "view rows cols channel"]
    ) -> tuple[Float[Tensor, "view height width 3"], Float[Tensor, "view height width"]]:
        """Predict points in the first camera and depth, in mean distances of the first view's points."""


@dataclass(frozen=True)
class TrainedHead:
    """A probe of `region4d train experiment=probe/bank` or of a probe study."""

    probe: Probe
    size: tuple[int, int]

    @torch.inference_mode()
    def predict(
        self, features: Float[Tensor, "view rows cols channel"]
    ) -> tuple[Float[Tensor, "view height width 3"], Float[Tensor, "view height width"]]:
        """Predict points and depth."""
        output = self.probe(features[None], self.size)
        return output.points[0], output.depth[0]


@dataclass
class FrozenModel:
    """One entry of the list, loaded at first use; visitors take turns by its lock.

    The first of `options.layers` is shown unless a visitor says otherwise. Without `trained` heads, a linear one is
    fitted for every layer. The model sees `frames` frames, of which `views` are read.
    """

    name: str
    about: str
    node: DictConfig
    options: ExtractionOptions
    worlds: FittingWorlds
    frames: int = FRAMES
    views: Sequence[int] = VIEWS
    trained: Mapping[int, TrainedHead] = field(default_factory=dict)
    device: torch.device | str = "cpu"
    lock: threading.Lock = field(default_factory=threading.Lock)
    _linear: Mapping[int, LinearHead] = field(default_factory=dict)

    @cached_property
    def extractor(self) -> Extractor:
        """The frozen model; errors as its constructor has them."""
        extractor: Extractor = build(self.node)
        self.options.prepare(extractor)
        return extractor.to(self.device).eval()

    @property
    def noise(self) -> Noise | None:
        """The noise level of a diffusion model."""
        return self.options.noise

    def heads(self, report: Report) -> Mapping[int, Head]:
        """Take the heads by layer; linear ones are fitted at the first call."""
        if self.trained:
            return self.trained
        if not self._linear:
            layers = range(len(self.extractor.blocks))
            self._linear = fit_heads(self.worlds, self.extractor, layers, self.noise, report)
        return self._linear


def frozen_models(runs: Sequence[Path], device: torch.device | str = "cpu") -> dict[str, FrozenModel]:
    """Collect the models that come with region4d and those of finished runs, by name.

    Raises:
        ValueError: two runs have folders of one name; see also `trained_models`.
    """
    models = [*shipped_models(device), *(model for run in runs for model in trained_models(run, device))]
    named = {model.name: model for model in models}
    if len(named) < len(models):
        names = [model.name for model in models]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"--probe names two runs '{twice.partition('/')[0]}'; rename the folder of one")
    return named


def shipped_models(device: torch.device | str = "cpu") -> list[FrozenModel]:
    """List the models that come with region4d, and raw pixels."""
    worlds = FittingWorlds()
    models = []
    for name in SHIPPED:
        config: Any = OmegaConf.load(CONFIGS / "extractor" / f"{name}.yaml")
        options = ExtractionOptions(list(config.layers), config.sigma)
        models.append(FrozenModel(config.build.name, config.facts.system, config.build, options, worlds, device=device))
    return models


def trained_models(folder: Path, device: torch.device | str = "cpu") -> list[FrozenModel]:
    """List the probes of a finished run: one entry a seed.

    Args:
        folder: of `region4d train experiment=probe/bank`, or one of the runs of a probe study.
        device: of the frozen model.

    Raises:
        ValueError: it is not such a run, it is not finished, or its clips or its control cannot be had here.
    """
    path = folder / "config.yaml"
    config: Any = OmegaConf.load(path) if path.is_file() else OmegaConf.create()
    if "extractor" not in config or "extraction" not in (config.get("data") or {}):
        raise ValueError(
            f"--probe '{folder}' is not a run of `region4d train experiment=probe/bank`, or of a probe study that "
            "keeps its features in memory; give the folder that has config.yaml and model/"
        )
    from probes.training.vectorized import probe_folder  # imports lightning, which takes seconds

    options: ExtractionOptions = build(config.data.extraction)
    if options.control is not None or "world" not in config.clips:
        found = f"control={options.control}" if options.control else "clips of labelled footage"
        raise ValueError(f"--probe '{folder}' is a run on {found}; give one on worlds, without a control")
    weights = {
        (layer, seed): folder / "model" / probe_folder(layer, seed) / "model.safetensors"
        for layer in options.layers
        for seed in config.module.seeds
    }
    if missing := [each for each in weights.values() if not each.is_file()]:
        raise ValueError(f"--probe '{folder}' is not finished: it lacks '{missing[0].relative_to(folder)}'")
    size = (int(config.clips.size[0]), int(config.clips.size[1]))
    return [
        FrozenModel(
            name=f"{folder.resolve().name}/seed{seed}",
            about=f"{config.extractor.build.name} with the probes of this run",
            node=config.extractor.build,
            options=options,
            worlds=FittingWorlds(),
            frames=config.clips.world.frames,
            views=tuple(config.clips.frames),
            trained={layer: _load(config.model, weights[layer, seed], size) for layer in options.layers},
            device=device,
        )
        for seed in config.module.seeds
    ]


def _load(node: DictConfig, weights: Path, size: tuple[int, int]) -> TrainedHead:
    probe: Probe = build(node)()  # a bank builds one for every layer and seed
    probe.load_state_dict(load_file(weights))
    return TrainedHead(probe.eval(), size)
