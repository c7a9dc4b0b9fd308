"""Tiny random models of three families of transformers, as folders with their processors and tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessor,
    LlavaOnevisionProcessor,
    LlavaOnevisionVideoProcessor,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    SiglipImageProcessor,
)

FAMILIES = ("qwen2_5_vl", "llava_onevision", "paligemma")
TEXTS = (
    "which is nearer ( a ) the region marked 0 ( b ) 1 ?",
    "how far is 2 what c d m .",
    "user assistant : red blue green",
)
WORDS = sorted({word for text in TEXTS for word in text.split()})
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
TEXT = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
TEMPLATE = (
    "{% for turn in messages %}{{ turn.role }} : {% if turn.content is string %}{{ turn.content }}{% else %}"
    "{% for part in turn.content %}{% if part.type == 'image' %}IMAGE {% else %}{{ part.text }}{% endif %}{% endfor %}"
    "{% endif %} {% endfor %}{% if add_generation_prompt %}assistant : {% endif %}"
)


def write_image_text_model(family: str, folder: Path) -> Path:
    """Write a model of one of FAMILIES, seeded."""
    torch.manual_seed(0)
    model, processor = {"qwen2_5_vl": _qwen, "llava_onevision": _llava, "paligemma": _paligemma}[family]()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)  # so that pictures change the answers
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = 2, 0
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _tokenizer(*placeholders: str) -> PreTrainedTokenizerFast:
    words = {word: number for number, word in enumerate((*SPECIAL, *placeholders, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>"
    )
    fast.add_special_tokens({"additional_special_tokens": list(placeholders)})
    return fast


def _template(picture: Sequence[str]) -> str:
    return TEMPLATE.replace("IMAGE", "".join(picture))


def _qwen() -> tuple[Any, Any]:
    tokens = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    tokenizer = _tokenizer(*tokens)
    image, video, start, end = tokenizer.convert_tokens_to_ids(list(tokens))
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    config = Qwen2_5_VLConfig(
        text_config={**TEXT, "num_key_value_heads": 2, "vocab_size": len(tokenizer), "rope_parameters": rope},
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "out_hidden_size": 32,
            "patch_size": 8,
            "fullatt_block_indexes": [0],
            "window_size": 32,
        },
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    size: dict[str, Any] = {"patch_size": 8, "min_pixels": 16 * 16, "max_pixels": 32 * 32}
    template = _template((tokens[2], tokens[0], tokens[3]))
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(**size), tokenizer, Qwen2VLVideoProcessor(**size), chat_template=template
    )
    return Qwen2_5_VLForConditionalGeneration(config), processor


def _llava() -> tuple[Any, Any]:
    tokenizer = _tokenizer("<image>", "<video>")
    image, video = tokenizer.convert_tokens_to_ids(["<image>", "<video>"])
    pinpoints = [[16, 16], [16, 32], [32, 16]]
    config = LlavaOnevisionConfig(
        text_config={**TEXT, "model_type": "qwen2", "num_key_value_heads": 2, "vocab_size": len(tokenizer)},
        vision_config={**VISION, "model_type": "siglip_vision_model", "image_size": 16, "patch_size": 8},
        image_token_index=image,
        video_token_index=video,
        image_grid_pinpoints=pinpoints,
    )
    side = {"height": 16, "width": 16}
    processor = LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessor(size=side, image_grid_pinpoints=pinpoints),
        tokenizer,
        LlavaOnevisionVideoProcessor(size=side),
        num_image_tokens=4,
        vision_feature_select_strategy="full",
        chat_template=_template(("<image>",)),
    )
    return LlavaOnevisionForConditionalGeneration(config), processor


def _paligemma() -> tuple[Any, Any]:
    images = SiglipImageProcessor(size={"height": 16, "width": 16})
    images.image_seq_length = 4
    processor = PaliGemmaProcessor(images, _tokenizer("<image>"))  # it adds a thousand tokens of places
    size = len(processor.tokenizer)
    text = {**TEXT, "model_type": "gemma2", "num_key_value_heads": 1, "head_dim": 16, "vocab_size": size}
    config = PaliGemmaConfig(
        text_config=text,
        vision_config={**VISION, "model_type": "siglip_vision_model", "image_size": 16, "patch_size": 8},
        image_token_index=processor.image_token_id,
        projection_dim=32,
        hidden_size=32,
        vocab_size=size,
    )
    return PaliGemmaForConditionalGeneration(config), processor
