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
    """Initialise the networks of an extractor at random; an autoencoder (`vae`) keeps its weights.

    Networks of transformers and diffusers are built anew from their configuration; any other initialises itself by the
    `reset_parameters` of its modules. Every weight keeps its device and type.

    Raises:
        ValueError: If the extractor has no network, or a weight of it belongs to no module that can initialise it.
    """
    networks = [
        (name, child)
        for name, child in extractor.named_children()
        if name != "vae" and any(True for _ in child.parameters())
    ]
    if not networks:
        raise ValueError(f"{extractor.name} has no network: leave random_weights out")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, network in networks:
            if isinstance(network, (PreTrainedModel, ModelMixin)):
                setattr(extractor, name, placed_like(network, rebuild(network)).eval())
            else:
                reset(network)


def placed_like(model: nn.Module, new: nn.Module) -> nn.Module:
    """Bring each weight and buffer of `new` to the device and type of its namesake."""
    for old, fresh in ((model.parameters, new.parameters), (model.buffers, new.buffers)):
        for like, weight in zip(old(), fresh(), strict=True):
            weight.data = weight.data.to(like.device, like.dtype)
    return new


def reset(model: nn.Module) -> None:
    """Initialise a network in place by the `reset_parameters` of its modules.

    Raises:
        ValueError: If a module has weights of its own and no such method.
    """
    for name, module in model.named_modules():
        initialise = getattr(module, "reset_parameters", getattr(module, "_reset_parameters", None))
        if initialise is not None:
            initialise()
        elif own := [key for key, _ in module.named_parameters(recurse=False)]:
            raise ValueError(
                f"{type(module).__name__} ({name or 'the network itself'}) has no reset_parameters() that would "
                f"initialise {own[0]}: give it one, or leave random_weights out"
            )


def rebuild(model: nn.Module) -> nn.Module:
    """Build a model of transformers or diffusers anew from its configuration, with random weights."""
    network: nn.Module = (
        type(model)(model.config) if isinstance(model, PreTrainedModel) else type(model).from_config(model.config)  # type: ignore[attr-defined]
    )
    return network
