"""The randomly initialised control: a model with the same architecture that has learned nothing."""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel

from probes.extractors.extractor import Extractor

try:
    from diffusers import ModelMixin
except ImportError as error:
    raise ImportError("the randomly initialised control needs diffusers: pip install 'region4d[gen]'") from error


def initialise_randomly(extractor: Extractor, seed: int) -> None:
    """Replace the networks of an extractor by randomly initialised ones; an autoencoder (`vae`) keeps its weights.

    Raises:
        ValueError: If the extractor has no network of transformers or diffusers.
    """
    networks = [
        (name, child)
        for name, child in extractor.named_children()
        if name != "vae" and isinstance(child, (PreTrainedModel, ModelMixin))
    ]
    if not networks:
        raise ValueError(f"{extractor.name} has no network of transformers or diffusers: leave random_weights out")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, network in networks:
            weight = next(network.parameters())
            setattr(extractor, name, rebuild(network).to(weight.device, weight.dtype).eval())


def rebuild(model: nn.Module) -> nn.Module:
    """Build a model of transformers or diffusers anew from its configuration, with random weights."""
    network: nn.Module = (
        type(model)(model.config) if isinstance(model, PreTrainedModel) else type(model).from_config(model.config)  # type: ignore[attr-defined]
    )
    return network
