"""An SR-3D put together from a vision tower and a language model of transformers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    PretrainedConfig,
)

from models.checkpoint_files import NO_CODE
from models.sr3d.bases.published_files import pixel_statistics, question_template
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.model import SR3DForConditionalGeneration
from models.sr3d.text.tokenizer import add_placeholders

TOWERS = ("vision_model", "vision_tower")  # where SigLIP, CLIP and PaliGemma keep theirs


def assemble(
    vision: str | Path, language: str | Path, dtype: torch.dtype = torch.float32, **options: Any
) -> tuple[SR3DForConditionalGeneration, SR3DProcessor]:
    """Put a vision tower and a causal language model together; what joins them is new and untrained.

    Texts alone are answered as the language model answers them. Projector and region extractor are random until they
    are trained, the position encoding is zero; `region_extractor_trained` is False.

    Args:
        vision: Folder or Hub name of an image encoder with one token for each patch: SigLIP, SigLIP 2 of a fixed size,
            CLIP, DINOv2, or a model that holds one, such as PaliGemma.
        language: Folder or Hub name of a causal language model, such as Qwen2, Qwen2.5, Qwen3 or Llama; or the path of
            a GGUF file, which needs the package `gguf`.
        dtype: Of the weights.
        **options: Arguments of `SR3DConfig`, such as `projector`, `select_layer` or `scale`.

    Raises:
        OSError: There is no such model.
        ValueError: The encoder has no patches, the language model is none, or an option does not fit.
    """
    for path in map(str, (vision, language)):
        if (path.count("/") > 1 or path.startswith((".", "/", "~"))) and not Path(path).exists():
            raise FileNotFoundError(f"no '{path}': give a folder, or the name of a model on the Hub")
    source, file = (Path(language).parent, Path(language).name) if str(language).endswith(".gguf") else (language, None)
    kind = AutoConfig.from_pretrained(source, gguf_file=file, **NO_CODE)
    if type(kind) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ValueError(f"'{language}' is a {kind.model_type}, not a causal language model: name one by --language")
    tower = _tower(AutoModel.from_pretrained(vision, dtype=dtype, use_safetensors=True, **NO_CODE))
    llm = AutoModelForCausalLM.from_pretrained(source, gguf_file=file, dtype=dtype, use_safetensors=True, **NO_CODE)
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=file, **NO_CODE)
    placeholders = add_placeholders(tokenizer)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    config = SR3DConfig(
        **{
            "vision_config": _plain(tower.config),
            "text_config": llm.config,
            "tile_size": tower.config.image_size,
            "stride": tower.config.patch_size,
            "select_layer": -2,
            "projector": "mlp",
            "pe_max_frequency": 128 * math.pi,
            "scale": "none",
            "camera_token": False,
            "region_extractor_trained": False,
            **placeholders,
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": llm.generation_config.eos_token_id or tokenizer.eos_token_id,
            **options,
        }
    )
    model = SR3DForConditionalGeneration(config).to(dtype)
    report = model.vision_tower.model.load_state_dict(tower.state_dict(), strict=False)
    if report.missing_keys:
        raise ValueError(f"'{vision}' lacks {len(report.missing_keys)} weights, the first is {report.missing_keys[0]}")
    model.language_model.load_state_dict(llm.state_dict())
    model.tie_weights()
    if model.scale_encoding is not None:
        model.scale_encoding.silence()
    model.generation_config.max_new_tokens = llm.generation_config.max_new_tokens
    return model.eval(), _processor(config, tokenizer, vision)


def _tower(model: nn.Module) -> Any:
    """Take the vision tower out of a model that holds one."""
    for name in TOWERS:
        if isinstance(inner := getattr(model, name, None), nn.Module):
            return _tower(inner)
    config: Any = model.config
    if not (hasattr(config, "image_size") and hasattr(config, "patch_size")):
        raise ValueError(f"a vision tower needs patches of a picture of one size, {config.model_type} has none")
    return model


def _plain(config: PretrainedConfig) -> PretrainedConfig:
    """Take the config without a pooling head, which is not used."""
    if hasattr(config, "vision_use_head"):
        config.vision_use_head = False
    return config


def _processor(config: SR3DConfig, tokenizer: Any, vision: str | Path) -> SR3DProcessor:
    return SR3DProcessor.from_config(
        config,
        tokenizer,
        **pixel_statistics(vision),
        resizer="pillow",
        template=question_template(tokenizer),
        tile_suffix=("\n",),
        frame_suffix=("\n",),
    )
