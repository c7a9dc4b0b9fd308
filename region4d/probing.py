"""Small probes of any extractor from Python, trained as a probe study trains them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lightning import Trainer

from probes.clips.clip_sets import ClipSet
from probes.extractors.extractor import Extractor
from probes.training.in_memory_features import InMemoryFeatures
from probes.training.vectorized import VectorizedProbeTraining
from region4d.configuration.compose import build, compose_config

QUIET = (
    "trainer.logger=false",
    "trainer.callbacks=[]",
    "trainer.enable_checkpointing=false",
    "trainer.enable_progress_bar=false",
)
Errors = dict[str, dict[str, dict[str, float]]]


def probe_layers(
    extractor: Extractor,
    clips: ClipSet,
    layers: Sequence[int],
    *,
    sigma: float | None = None,
    steps: int = 256,
    seed: int = 0,
) -> dict[int, Errors]:
    """Train a small probe on the features of each layer, all of them at once, and measure every held-out clip.

    Probe, losses and optimizer are those of the probe studies (`configs/experiment/probe/bank.yaml`). Features stay in
    memory. Labels are cached in `outputs/labels`. Choose among layers by the errors of the validation clips.

    Args:
        extractor: The frozen model.
        clips: Splits, views and labels.
        layers: Blocks of the extractor; their features must have the same number of channels.
        sigma: Noise level of a diffusion model, from 0 to 1.
        steps: Optimizer steps, of 32 clips each.
        seed: Of the weights of the probes, and of the order of the clips.

    Returns:
        Errors by layer, split ("val", "test"), clip and metric (see `probes.training.module.clip_errors`).

    Raises:
        ValueError: A layer does not exist, or the noise level is missing or unwanted.
    """
    words = ["experiment=probe/bank", f"data.extraction.layers={list(layers)}", f"seed={seed}", f"data.seed={seed}"]
    words += [f"data.extraction.sigma={'null' if sigma is None else sigma}", f"trainer.max_steps={steps}"]
    config = compose_config("train", [*words, *QUIET])
    data = InMemoryFeatures(
        clips=clips,
        extractor=extractor,
        extraction=build(config.data.extraction),
        batch_size=config.data.batch_size,
        seed=seed,
        labels=config.data.labels,
    )
    with without_hints():
        trainer: Trainer = build(config.trainer)
    data.trainer = trainer
    data.prepare_data()
    data.setup("fit")
    config.module.probe.channels = data.channels
    module: VectorizedProbeTraining = build(config.module)
    with without_hints():
        trainer.fit(module, data)
        trainer.test(module, data, verbose=False)
    return {layer: module.errors[index, 0] for index, layer in enumerate(layers)}


@contextmanager
def without_hints() -> Iterator[None]:
    """Keep Lightning from listing devices and giving tips."""
    log = logging.getLogger("lightning.pytorch")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
