"""Sharded training (FSDP2): weights, gradients and optimizer state are spread over the processes of a training."""

from __future__ import annotations

from typing import TypeVar

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

Model = TypeVar("Model", bound=PreTrainedModel)


def is_sharded(trainer: Trainer) -> bool:
    """Tell whether a trainer shards its model (`trainer=fsdp`)."""
    return isinstance(trainer.strategy, ModelParallelStrategy)


def layers_of(model: PreTrainedModel) -> list[nn.Module]:
    """List the decoder layers of a language model, as transformers names them.

    Raises:
        ValueError: transformers names none.
    """
    names = set(model._no_split_modules or ())
    found = [module for module in model.modules() if type(module).__name__ in names]
    if not found:
        raise ValueError(f"transformers does not say what the layers of {type(model).__name__} are: choose trainer=ddp")
    return found


def shard(module: LightningModule, language_model: PreTrainedModel) -> None:
    """Shard a training over all its processes, once, before its optimizer is built.

    Each layer of the language model is gathered while it computes. All other weights are gathered for the whole of a
    training step, so that every part of it may use them. With precision "bf16-mixed", layers are gathered in bfloat16
    and their gradients are summed in float32; the other weights are gathered as they are, and autocast converts them
    as in one process.
    """
    if isinstance(module, FSDPModule):
        return
    strategy = module.trainer.strategy
    mesh = init_device_mesh(strategy.root_device.type, (strategy.world_size,))
    policy = MixedPrecisionPolicy()
    if module.trainer.precision == "bf16-mixed":
        policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
    for layer in layers_of(language_model):
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(module, mesh=mesh)
    register_fsdp_forward_method(module, "training_step")


def gather(model: Model, dtype: torch.dtype, keep: bool) -> Model:
    """Gather a sharded model on the CPU, one weight after the other; every process has to call this.

    Returns a whole model of that dtype in the processes that `keep` it, and the sharded one in the others.
    """
    state: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        whole = value.full_tensor() if isinstance(value, DTensor) else value
        if keep:
            state[name] = whole.to("cpu", dtype if whole.is_floating_point() else whole.dtype)
    if not keep:
        return model
    with torch.device("meta"):
        plain: Model = type(model)(model.config)
    plain.load_state_dict(state, assign=True)
    plain.tie_weights()
    for name, buffer in model.named_buffers():  # also those that are not saved
        owner, _, leaf = name.rpartition(".")
        plain.get_submodule(owner)._buffers[leaf] = buffer.cpu()
    for name, parameter in model.named_parameters():
        plain.get_parameter(name).requires_grad_(parameter.requires_grad)
    return plain


def refuse_shards(model: nn.Module) -> None:
    """Raise ValueError where a model is not whole, but the share of one process."""
    if any(isinstance(parameter, DTensor) for parameter in model.parameters()):
        raise ValueError(
            "this process has only its share of the model: export it after the fit, in the process of global rank 0"
        )
