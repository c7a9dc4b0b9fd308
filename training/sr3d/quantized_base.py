"""Frozen linear layers of a language model in 4 bits, and their weights before that."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor


class QuantizedBase:
    """Quantises linear layers in place to NF4 with quantised scales, and keeps their weights, to be merged into.

    The weights stay where they were loaded: mapped from their files, in main memory.
    Source: QLoRA (arXiv 2305.14314) section 3, NF4 and double quantisation; bitsandbytes.

    Raises:
        ImportError: bitsandbytes is not installed.
        ValueError: bitsandbytes cannot quantise on the accelerator of this machine.
    """

    def __init__(self) -> None:
        if find_spec("bitsandbytes") is None:
            raise ImportError(
                "adapter=qlora needs bitsandbytes: pip install 'region4d[quantized]'; or take adapter=lora"
            )
        self.weights: dict[str, Tensor] = {}
        device = torch.accelerator.current_accelerator() or torch.device("cpu")
        if device.type != "cuda":  # known to work; a trial would take memory of the first GPU in every process
            quantized(torch.ones(64, 64), device)

    def quantize(self, model: Any, names: Sequence[str], device: torch.device) -> None:
        """Quantise the layers of these names, on the device of the training; ValueError where that is impossible."""
        from bitsandbytes.nn import LinearNF4

        for name in names:
            layer = model.get_submodule(name)
            weight = layer.weight.data
            size, has_bias = (layer.in_features, layer.out_features), layer.bias is not None
            small = LinearNF4(*size, has_bias, compute_dtype=weight.dtype, device="meta")
            small.weight, small.bias = quantized(weight, device), layer.bias
            self.weights[name] = weight
            model.set_submodule(name, small)
        model.is_loaded_in_4bit = True  # asks peft for adapters of such layers


def quantized(weight: Tensor, device: torch.device) -> Any:
    """Quantise a matrix.

    Raises:
        ValueError: bitsandbytes cannot do so on this device.
    """
    import bitsandbytes

    try:
        return bitsandbytes.nn.Params4bit(weight, quant_type="nf4").to(device)
    except (RuntimeError, NotImplementedError, ValueError, AttributeError) as error:
        raise ValueError(
            f"adapter=qlora: bitsandbytes {bitsandbytes.__version__} cannot quantise on {device} "
            f"({str(error).splitlines()[0]}); take adapter=lora"
        ) from error
