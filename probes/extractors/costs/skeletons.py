"""Extractors of published sizes without weights: every tensor is on the meta device."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.models.timm_wrapper import TimmWrapperConfig, TimmWrapperModel

from models.encoders.fast3r import Fast3R
from models.encoders.vjepa1 import VideoVisionTransformer
from probes.extractors.extractor import Extractor
from probes.extractors.offloading import tensors_of

META = torch.device("meta")
SCHEDULE = 1000  # steps


def skeleton(target: str, build: Mapping[str, Any], sizes: Mapping[str, Any], dtype: torch.dtype) -> Extractor:
    """Build the extractor of a file in configs/extractor with the published sizes, and nothing in memory.

    Args:
        target: `_target_` of the file, a `from_pretrained`.
        build: its other arguments.
        sizes: the file's `sizes`: arguments of stock classes where they differ from the defaults.
        dtype: type of the weights; an autoencoder has float32.
    """
    kind = class_of(target)
    with META:
        parts = diffusion_parts(sizes, dtype) if "transformer" in sizes else encoder_parts(sizes, dtype)
    taken = {key for each in kind.__mro__[:-1] for key in inspect.signature(each.__init__).parameters}
    defaults = inspect.signature(kind.from_pretrained).parameters  # type: ignore[attr-defined]
    options = {key: value.default for key, value in defaults.items() if value.default is not inspect.Parameter.empty}
    options = {key: value for key, value in {**options, **build, **parts}.items() if key in taken}
    positional = [options.pop(key) for key in PARTS if key in options]
    return kind(*positional, **options)


def class_of(target: str) -> type[Extractor]:
    """Import the class of a `from_pretrained`."""
    module, name, _ = target.rsplit(".", 2)
    found: type[Extractor] = getattr(importlib.import_module(module), name)
    return found


PARTS = ("transformer", "vae", "prompt", "model", "statistics", "name", "size", "frames")  # in the order of arguments


def diffusion_parts(sizes: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """Build the transformer, the autoencoder and the encoded prompt of a latent diffusion model."""
    import diffusers

    built: dict[str, Any] = {}
    for part, of in (("transformer", dtype), ("vae", torch.float32)):
        arguments = dict(sizes[part])
        built[part] = loaded_as(getattr(diffusers, arguments.pop("class"))(**arguments), of)
    built["prompt"] = {name: torch.empty(*shape, dtype=dtype) for name, shape in sizes["prompt"].items()}
    if sizes.get("tiling"):
        built["vae"].enable_tiling()
        built["vae"].use_framewise_encoding = False
    if sizes.get("schedule"):
        built["alphas_cumprod"] = torch.linspace(0.999, 0.001, SCHEDULE, device="cpu")  # its values are read
    return built


def loaded_as(model: Any, dtype: torch.dtype) -> nn.Module:
    """Give weights the type that diffusers loads them with: some stay in float32."""
    kept = set(getattr(model, "_keep_in_fp32_modules", None) or ())
    for holder in tensors_of(model.to(META)):
        holder.data = holder.data.to(dtype if holder.is_floating_point() else holder.dtype)
    for name, weight in model.named_parameters():
        if kept & set(name.split(".")):
            weight.data = weight.data.float()
    whole: nn.Module = model
    return whole


def encoder_parts(sizes: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """Build an encoder that takes no noise, and the statistics of its pixels."""
    arguments = dict(sizes)
    kind = arguments.pop("class")
    model = encoder(kind, arguments).to(dtype)
    length = {"length": model.config.num_frames} if kind == "videomae" else {}  # which its configuration says
    return {"model": model, "statistics": torch.empty(2, 3, dtype=dtype), **length}


def encoder(kind: str, arguments: dict[str, Any]) -> Any:  # transformers is half typed
    """Build an encoder of this repository, of timm, or of a model type of transformers."""
    if kind in OWN:
        return OWN[kind](**arguments)
    if kind == "timm":
        wrapped = TimmWrapperConfig(architecture=arguments.pop("architecture"), model_args=arguments, do_pooling=False)
        return TimmWrapperModel(wrapped)
    return AutoModel.from_config(AutoConfig.for_model(kind, **arguments))


OWN: dict[str, Any] = {"fast3r": Fast3R, "vjepa1": VideoVisionTransformer}


def bytes_of(module: nn.Module) -> int:
    """Count the bytes of all weights and buffers."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors_of(module))


def count_parameters(module: nn.Module) -> int:
    """Count all weights."""
    return sum(weight.numel() for weight in module.parameters())
