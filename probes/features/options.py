"""The options of an extraction: which layers of a frozen model are read, at which noise level, under which control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from probes.clips.clip_sets import ClipSet
from probes.extractors.extractor import Extractor
from probes.extractors.noise import Noise, noise_level

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32, "int8": torch.int8}


@dataclass(frozen=True)
class ExtractionOptions:
    """What determines the features of a clip beside the extractor; configs/extraction has the same keys.

    Args:
        layers: blocks whose output is read.
        sigma: noise level of a diffusion model; None for any other model.
        conditioning_sigma: noise level that conditions the model, where it differs from sigma.
        noise_samples: number of noise samples over which features are averaged.
        noise_seed: seed of the noise.
        control: see `probes.features.controls`.
        random_weights: seed of a randomly initialised control; None keeps the learned weights.
        dtype: type of the kept features: float16, bfloat16, float32, or int8 with one scale per channel.
    """

    layers: Sequence[int]
    sigma: float | None = None
    conditioning_sigma: float | None = None
    noise_samples: int = 1
    noise_seed: int = 0
    control: str | None = None
    random_weights: int | None = None
    dtype: str = "float16"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"unknown dtype {self.dtype!r} of features: choose one of {', '.join(DTYPES)}")

    @property
    def noise(self) -> Noise | None:
        """The noise level; None for a model that takes none."""
        return noise_level(self.sigma, self.conditioning_sigma, self.noise_seed, self.noise_samples)

    def prepare(self, extractor: Extractor) -> None:
        """Check layers and noise level, and initialise the weights randomly where that control is set.

        Raises:
            ValueError: If a layer does not exist, or the noise level is missing or unwanted.
        """
        extractor.check(self.layers, self.noise)
        if self.random_weights is not None:
            from probes.features.random_weights import initialise_randomly  # requires diffusers

            initialise_randomly(extractor, self.random_weights)

    def key(self, extractor: Extractor, layer: int, clips: ClipSet) -> str:
        """Name everything that determines the features of a layer: the model, the noise, the control, the clips."""
        return f"{extractor.key(layer, self.noise)}/{self.control or 'plain'}/{clips.key}"
