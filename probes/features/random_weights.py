"""A model with the architecture of another and nothing learned: what architecture and pixels alone give."""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel

from probes.extractors.extractor import Extractor

try:
    from diffusers import ModelMixin
except ImportError as error:
    raise ImportError("a random twin needs diffusers: pip install 'region4d[gen]'") from error


def random_init(extractor: Extractor, seed: int) -> None:
    """Give the networks of an extractor fresh random weights, in place; an autoencoder (`vae`) keeps its own.

    Raises:
        ValueError: it has no network of transformers or diffusers to initialise.
    """
    found = [
        (name, child)
        for name, child in extractor.named_children()
        if name != "vae" and isinstance(child, (PreTrainedModel, ModelMixin))
    ]
    if not found:
        raise ValueError(f"{extractor.name} has no stock network whose initial weights are known")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, child in found:
            weight = next(child.parameters())
            setattr(extractor, name, fresh(child).to(weight.device, weight.dtype).eval())


def fresh(model: nn.Module) -> nn.Module:
    """Build a stock model anew from its configuration."""
    twin: nn.Module = (
        type(model)(model.config) if isinstance(model, PreTrainedModel) else type(model).from_config(model.config)  # type: ignore[attr-defined]
    )
    return twin
