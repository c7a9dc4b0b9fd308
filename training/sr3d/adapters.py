"""Low-rank adapters of the language model, trained in place of its weights and merged into them for the export.

peft is imported where it is used, because that takes seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.sr3d.model import SR3DForConditionalGeneration
from training.sr3d.quantized_base import QuantizedBase

NAME = "default"  # of the one adapter, in peft
PREFIX = "base_model.model."  # of the adapted model, in files of peft


class LoRA:
    """Adapters of linear layers: y = W x + (alpha / rank) B A x, where W is frozen and B starts at zero.

    Only the language model has adapters, and its own weights are frozen. What else is trained (projector, 3D position
    encoding, region extractor) stays trained as a whole.
    Source: LoRA (arXiv 2106.09685) section 4.1; QLoRA (arXiv 2305.14314) section 3.

    Args:
        rank: rows of A.
        alpha: the adapter's share is scaled by alpha / rank.
        dropout: probability that an input of A is zero in training.
        targets: last names of linear layers, such as "q_proj"; None for all except the head.
        quantized: hold the frozen linear layers in 4 bits (QLoRA).
        save_adapter: also write the adapters alone, as `adapter/` in the exported folder.

    Raises:
        ImportError: peft is missing, or bitsandbytes, which `quantized` needs.
        ValueError: rank, alpha or dropout is out of range.
    """

    def __init__(
        self,
        *,
        rank: int = 16,
        alpha: int | float = 32,
        dropout: int | float = 0.0,
        targets: Sequence[str] | None = None,
        quantized: bool = False,
        save_adapter: bool = False,
    ) -> None:
        if rank < 1 or alpha <= 0 or not 0 <= dropout < 1:
            raise ValueError(
                f"adapter.rank={rank}, alpha={alpha}, dropout={dropout}: rank is at least 1, alpha is positive, and "
                "dropout lies in [0, 1)"
            )
        if find_spec("peft") is None:
            raise ImportError("adapter=lora needs peft: pip install 'region4d[train]'")
        self.rank, self.alpha, self.dropout = rank, alpha, dropout
        self.targets = None if targets is None else list(targets)
        self.base = QuantizedBase() if quantized else None
        self.save_adapter = save_adapter
        self._config: Any = None  # of peft, once adapters are there

    def attach(self, model: SR3DForConditionalGeneration, device: torch.device) -> None:
        """Add adapters to the language model, in place, and freeze its own weights; a second call does nothing.

        Args:
            model: the model that is trained.
            device: of the training: where a quantised base lies.

        Raises:
            ValueError: the language model has no such layers, or it cannot be quantised here.
        """
        if self._config is not None:
            return
        logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)  # advice on a faster CPU kernel
        from peft import LoraConfig, inject_adapter_in_model

        language, targets = model.language_model, self.targets_in(model)
        if self.base is not None:
            self.base.quantize(language, _linear_layers(language), device)
        self._config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,  # type: ignore[arg-type]  # any number
            lora_dropout=self.dropout,
            target_modules=targets,
        )
        inject_adapter_in_model(self._config, language, NAME)

    def targets_in(self, model: SR3DForConditionalGeneration) -> list[str]:
        """Name the layers that get adapters, by their last names; ValueError for one that does not exist."""
        kinds = sorted({name.rpartition(".")[2] for name in _linear_layers(model.language_model)})
        targets = kinds if self.targets is None else self.targets
        if not targets or (unknown := [target for target in targets if target not in kinds]):
            wrong = ", ".join(map(repr, unknown)) if targets else "of that kind"
            raise ValueError(
                f"adapter.targets={targets}: the language model has no linear layers {wrong}; it has "
                f"{', '.join(kinds) or 'none'}"
            )
        return targets

    def merge(self, model: SR3DForConditionalGeneration) -> None:
        """Replace adapted and quantised layers by plain ones, in place: W + (alpha / rank) B A, in the dtype of W."""
        if self._config is None:
            return
        from peft.tuners.lora import LoraLayer

        language = model.language_model
        whole = {} if self.base is None else self.base.weights
        adapted = {name for name, part in language.named_modules() if isinstance(part, LoraLayer)}
        for name in sorted(adapted | whole.keys()):
            part: Any = language.get_submodule(name)
            layer = part.get_base_layer() if name in adapted else part
            weight = whole.get(name, layer.weight.data)
            if name in adapted:
                delta = part.get_delta_weight(NAME).float().to(weight.device)
                weight = (weight.float() + delta).to(weight.dtype)
            language.set_submodule(name, _linear(weight, layer.bias))
        del language.peft_config  # peft's mark
        self._config = None

    def save(self, model: SR3DForConditionalGeneration, folder: Path) -> None:
        """Write the adapters as peft does, and the other trained weights of the model beside them."""
        if self._config is None:
            raise ValueError("there are no adapters to save: train first")
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        own = {name: trained.pop(name) for name in list(trained) if name.startswith("language_model.")}
        adapters = {
            PREFIX + name.removeprefix("language_model.").replace(f".{NAME}.", "."): weight
            for name, weight in own.items()
        }
        folder.mkdir(parents=True, exist_ok=True)
        self._config.save_pretrained(str(folder))
        save_file(_on_cpu(adapters), folder / "adapter_model.safetensors")
        save_file(_on_cpu(trained), folder / "other_weights.safetensors")


def _linear_layers(language: Any) -> list[str]:
    """Name the linear layers of a language model, without its head."""
    head = language.get_output_embeddings()
    return [name for name, part in language.named_modules() if isinstance(part, nn.Linear) and part is not head]


def _linear(weight: Tensor, bias: nn.Parameter | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        layer.bias = bias
    return layer


def _on_cpu(weights: dict[str, Any]) -> dict[str, Tensor]:
    return {name: weight.detach().cpu().contiguous() for name, weight in weights.items()}
