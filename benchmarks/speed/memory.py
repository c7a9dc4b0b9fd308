"""Peak memory of answering, counted on the meta device, where tensors have shapes and no data.

Vision tower, projector and language model run once, and the bytes of all tensors that are alive at a time are counted.
The region extractor, whose shapes depend on its masks, runs on the CPU. An allocator reserves more than it gives out,
and a CUDA context takes about half a gigabyte: both come on top.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from models.regions import RegionMasks
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration
from models.sr3d.placement import WHOLE

NVILA_LITE_8B: dict[str, Any] = {  # sizes of the published checkpoint
    "vision_config": {
        "model_type": "siglip_vision_model",
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 448,
        "patch_size": 14,
        "vision_use_head": False,
    },
    "text_config": {
        "model_type": "qwen2",
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 151651,
        "tie_word_embeddings": False,
    },
    "tile_size": 448,
    "stride": 14,
    "select_layer": -2,
    "projector": "downsample_3x3",
    "scale": "none",
    "camera_token": False,
}
BYTES = {4: 0.5 + 4 / 64, 8: 1.0}  # of a quantised weight; 4 bits: a float32 for each block of 64


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors made inside the context: those alive now, and the most at any time.

    `known` are tensors from before, such as weights, whose views are not counted.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._alive: set[int] = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and count what it returns."""
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                storage = value.untyped_storage()
                if storage._cdata not in self._alive:
                    self._alive.add(storage._cdata)
                    self.now += storage.nbytes()
                    weakref.finalize(storage, self._free, storage._cdata, storage.nbytes())
        self.peak = max(self.peak, self.now)
        return result

    def restart(self) -> int:
        """Return the peak, and let the next one begin from what is alive."""
        peak, self.peak = self.peak, self.now
        return peak

    def _free(self, storage: int, size: int) -> None:
        self._alive.discard(storage)
        self.now -= size


@dataclass(frozen=True)
class AnswerMemory:
    """Bytes of the weights, and the most that each stage of answering holds beside them."""

    weights: int
    tower: int
    projector: int
    regions: int
    language: int

    @property
    def peak(self) -> int:
        """Weights and the largest stage."""
        return self.weights + max(self.tower, self.projector, self.regions, self.language)


def weight_bytes(model: nn.Module, bits: int | None) -> int:
    """Count the bytes of weights and buffers, with the linear layers of the language model in `bits`."""
    total = sum(one.numel() * one.element_size() for one in (*model.parameters(), *model.buffers()))
    if bits is None:
        return total
    for name, part in model.named_modules():
        if isinstance(part, nn.Linear) and not any(kept in name for kept in WHOLE):
            total += int(part.weight.numel() * (BYTES[bits] - part.weight.element_size()))
            total += 4 * part.out_features if bits == 8 else 0  # a float32 for each row
    return total


def answer_memory(
    config: SR3DConfig, frames: int, regions: int, text: int = 100, bits: int | None = None
) -> AnswerMemory:
    """Compute the memory of answering one question about a video, in bfloat16.

    Args:
        config: Of the model.
        frames: Of the video.
        regions: Each marked on all frames.
        text: Tokens of prompt and question.
        bits: 4 or 8 for the linear layers of the language model.
    """
    with torch.device("meta"):
        model = SR3DForConditionalGeneration(config).to(torch.bfloat16).eval()
        weights = weight_bytes(model, bits)
        with torch.inference_mode(), LiveBytes() as live:
            side, points = config.tile_size, config.grid * config.pe_oversample
            pixels = torch.empty(frames, 3, side, side)
            xyz, valid = torch.empty(frames, points, points, 3), torch.empty(frames, points, points, dtype=torch.bool)
            features = model.encode_tiles(pixels, xyz, valid)
            del pixels, xyz, valid
            tower = live.restart()
            tokens = model.projector(features)
            projector = live.restart()
            text_config = config.text_config.get_text_config()
            width, vocabulary = text_config.hidden_size, text_config.vocab_size
            embeds = torch.cat([tokens.flatten(0, 2), torch.empty(text, width, dtype=torch.bfloat16)])[None]
            del tokens
            outputs = model.language_model.base_model(inputs_embeds=embeds, use_cache=True)
            cache = sum(part.keys.nbytes + part.values.nbytes for part in outputs.past_key_values.layers)
            language = max(live.restart(), live.now + 2 * cache)  # the clip's, and two copies while rows are repeated
    if bits is not None:  # a layer is turned into bfloat16 to multiply with
        linear = (part for part in model.language_model.modules() if isinstance(part, nn.Linear))
        language += max(2 * part.weight.numel() for part in linear if part.out_features != vocabulary)
    extractor = model.region_extractor.to_empty(device="cpu")
    with torch.inference_mode(), LiveBytes() as live:
        masks = torch.zeros(regions * frames, side, side, dtype=torch.bool)
        masks[:, side // 4 : side // 2, side // 4 : side // 2] = True
        index = torch.arange(regions * frames)
        names = tuple(map(str, range(regions)))
        extractor(
            torch.zeros(features.shape, dtype=torch.bfloat16),
            RegionMasks(masks, index % frames, index // frames, names),
        )
        pooled = live.peak
    return AnswerMemory(weights, tower, projector, pooled, language)
