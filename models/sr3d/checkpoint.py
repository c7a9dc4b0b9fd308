"""NVILA-Lite checkpoints: three stock parts in a folder, put together as an SR-3D model that equals them exactly."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from models.attention import attention_implementation
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.inputs.tokenizer import CAMERA, IMAGE, REGION, SCALE
from models.sr3d.model import SR3DForConditionalGeneration

PROJECTORS = {"mlp_downsample_3x3_fix": "downsample_3x3", "mlp2x_gelu": "mlp", "linear": "linear"}
OURS = ("position_encoding.", "camera_projector.", "camera_token.", "scale_encoding.", "region_extractor.")
QWEN_TEMPLATE = (
    "<|im_start|>system\nYou are a helpful assistant<|im_end|>\n"
    "<|im_start|>user\n{visual}{question}<|im_end|>\n<|im_start|>assistant\n"
)


def load_nvila_lite(
    folder: str | Path, attention: str = "sdpa", dtype: torch.dtype = torch.bfloat16, **overrides: Any
) -> tuple[SR3DForConditionalGeneration, SR3DProcessor]:
    """Load model and processor of an NVILA-Lite folder (see the two functions below)."""
    model = load_nvila_lite_model(folder, attention, dtype, **overrides)
    return model, load_nvila_lite_processor(folder, **overrides)


def load_nvila_lite_model(
    folder: str | Path, attention: str = "sdpa", dtype: torch.dtype | str = torch.bfloat16, **overrides: Any
) -> SR3DForConditionalGeneration:
    """Load `llm/`, `mm_projector/` and `vision_tower/` of an NVILA-Lite folder; sizes come from their configs.

    Region extractor and 3D position encoding are new; the latter is zero until trained, so answers are those of the
    checkpoint. `overrides` are arguments of `SR3DConfig`; `dtype` may be a name such as "bfloat16". Files are mapped
    into memory: weights of the same dtype are not copied, those of another are converted one by one.
    Raises FileNotFoundError for what the folder lacks, and ValueError for another architecture, or for weights that are
    missing, unknown or of another size.
    """
    folder = Path(folder)
    dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    return _assemble(folder, _config(folder, _tokenizer(folder / "llm"), overrides), attention, dtype)


def load_nvila_lite_processor(folder: str | Path, **overrides: Any) -> SR3DProcessor:
    """Load the processor that fits the model of the same folder and `overrides`; no weights are read."""
    folder = Path(folder)
    tokenizer = _tokenizer(folder / "llm")
    return _processor(folder, _config(folder, tokenizer, overrides), tokenizer)


def _config(folder: Path, tokenizer: PreTrainedTokenizerBase, overrides: dict[str, Any]) -> SR3DConfig:
    top, tower, head = (_json(folder / part / "config.json") for part in ("", "vision_tower", "mm_projector"))
    kind = head.get("mm_projector_type")
    if kind not in PROJECTORS or top.get("image_aspect_ratio", "dynamic") not in ("dynamic", "resize"):
        raise ValueError(
            f"{folder} has the projector {kind!r} and images {top.get('image_aspect_ratio')!r}; NVILA-Lite has "
            f"one of {', '.join(PROJECTORS)}, and 'dynamic' (NVILA-8B with 'dynamic_s2' is not supported)"
        )
    tower.update(vision_use_head=False, model_type="siglip_vision_model")
    return SR3DConfig(
        **{
            "vision_config": {
                key: value for key, value in tower.items() if key not in ("architectures", "torch_dtype")
            },
            "text_config": AutoConfig.from_pretrained(folder / "llm"),
            "tile_size": tower["image_size"],
            "stride": tower["patch_size"],
            "select_layer": top.get("mm_vision_select_layer", -2),
            "projector": PROJECTORS[kind],
            "pe_max_frequency": 128 * math.pi,
            "scale": "none",
            "camera_token": False,
            "image_token_id": tokenizer.convert_tokens_to_ids(IMAGE),
            "region_token_id": tokenizer.convert_tokens_to_ids(REGION),
            "camera_token_id": tokenizer.convert_tokens_to_ids(CAMERA),
            "scale_token_id": tokenizer.convert_tokens_to_ids(SCALE),
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            **overrides,
        }
    )


def _assemble(folder: Path, config: SR3DConfig, attention: str, dtype: torch.dtype) -> SR3DForConditionalGeneration:
    state = {f"language_model.{key}": value for key, value in _weights(folder / "llm").items()}
    for key, value in _weights(folder / "mm_projector").items():
        state["projector." + key.removeprefix("layers.")] = value
    for key, value in _weights(folder / "vision_tower").items():
        plain = key.removeprefix("vision_tower.").removeprefix("vision_model.")
        if not plain.startswith("head."):  # the pooling head, which is not used
            state["vision_tower.model." + plain] = value
    model: SR3DForConditionalGeneration
    model, report = SR3DForConditionalGeneration.from_pretrained(
        None,
        config=config,
        state_dict=state,
        dtype=dtype,
        attn_implementation={"text_config": attention_implementation(attention)},
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # reported below
    )
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(OURS))
    for problem, keys in (
        ("lacks", missing),
        ("has unknown", sorted(report["unexpected_keys"])),
        ("has, in another size than its configs say,", sorted(key for key, *_ in report["mismatched_keys"])),
    ):
        if keys:
            raise ValueError(f"{folder} {problem} {len(keys)} weights, the first is {keys[0]}: it is not NVILA-Lite")
    return model


def _processor(folder: Path, config: SR3DConfig, tokenizer: PreTrainedTokenizerBase) -> SR3DProcessor:
    images = folder / "vision_tower" / "preprocessor_config.json"
    pixels = _json(images) if images.is_file() else {}
    template = QWEN_TEMPLATE
    if tokenizer.chat_template:
        message = [{"role": "user", "content": "{visual}{question}"}]
        template = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    return SR3DProcessor.from_config(
        config,
        tokenizer,
        max_tiles=12,
        image_mean=pixels.get("image_mean", (0.5, 0.5, 0.5)),
        image_std=pixels.get("image_std", (0.5, 0.5, 0.5)),
        template=template,
        tile_suffix=("\n", "\n"),  # one ends the tile's tokens, one stands in the text between images (VILA)
        frame_suffix=("\n",),
    )


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    _json(folder / "config.json")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    vocabulary = tokenizer.get_vocab()
    new = [token for token in (IMAGE, REGION, CAMERA, SCALE) if token not in vocabulary]
    tokenizer.add_special_tokens({"additional_special_tokens": new}, replace_extra_special_tokens=False)
    return tokenizer


def _weights(folder: Path) -> dict[str, Tensor]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"no weights (*.safetensors) in {folder}: download the whole NVILA-Lite repository")
    try:
        return {key: value for file in files for key, value in load_file(file).items()}
    except SafetensorError as error:
        raise ValueError(f"weights in {folder} are damaged ({error}): download them again") from None


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileNotFoundError(
            f"no {file}: an NVILA-Lite folder holds config.json, llm/, mm_projector/, vision_tower/"
        )
    content: dict[str, Any] = json.loads(file.read_text())
    return content
