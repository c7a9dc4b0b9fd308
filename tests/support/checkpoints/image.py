"""Tiny random image encoders in the published folder layouts of transformers and timm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel

VIT = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32, "patch_size": 8}
STATISTICS = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.5]}
TRANSFORMERS: dict[str, dict[str, Any]] = {
    "dinov2": VIT | {"image_size": 32},
    "dinov2_with_registers": VIT | {"image_size": 32},
    "dinov3_vit": VIT | {"num_register_tokens": 4},
    "siglip_vision_model": VIT | {"image_size": 32},
    "siglip2_vision_model": VIT | {"num_patches": 16},
    "vit": VIT | {"image_size": 32},
    "clip_vision_model": VIT | {"image_size": 32},
    "convnext": {"num_stages": 2, "hidden_sizes": [12, 24], "depths": [1, 1]},
}
TIMM: dict[str, dict[str, Any]] = {
    "vit_tiny_patch16_224": {
        "img_size": 32,
        "patch_size": 8,
        "embed_dim": 24,
        "depth": 3,
        "num_heads": 2,
        "reg_tokens": 2,
    },
    "convnext_atto": {"depths": (1, 1, 1, 1), "dims": (4, 8, 12, 16)},
    "swin_tiny_patch4_window7_224": {
        **{"img_size": 32, "window_size": 4, "embed_dim": 12, "depths": (1, 1), "num_heads": (1, 1)}
    },
    "resnet10t": {},
}


def transformers_encoder(folder: Path, kind: str) -> Path:
    """Write an encoder as the Hub has it, with the statistics of its pixels."""
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(kind, **TRANSFORMERS[kind]))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)  # biases and layer scales that are zero would hide mistakes
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(STATISTICS))
    return folder


def siglip(folder: Path) -> Path:
    """Write a SigLIP with its text encoder, as it is published."""
    torch.manual_seed(0)
    text = {
        "hidden_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "vocab_size": 9,
    }
    config = AutoConfig.for_model("siglip", vision_config=TRANSFORMERS["siglip_vision_model"], text_config=text)
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


def timm_encoder(folder: Path, architecture: str, **options: Any) -> Path:
    """Write an encoder as timm has it on the Hub: its own keys, its statistics in config.json."""
    torch.manual_seed(0)
    arguments = TIMM[architecture] | options
    model = timm.create_model(architecture, **arguments, num_classes=5)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), folder / "model.safetensors", {"format": "pt"})
    statistics = {"mean": STATISTICS["image_mean"], "std": STATISTICS["image_std"]}
    config = {"architecture": architecture, "num_classes": 5, "pretrained_cfg": statistics, "model_args": arguments}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
