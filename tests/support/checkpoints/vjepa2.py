"""A tiny random V-JEPA 2 in the published folder layout."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import VJEPA2Config, VJEPA2Model


def vjepa2(folder: Path) -> Path:
    """Write a V-JEPA 2 as transformers publishes it, with its predictor."""
    torch.manual_seed(0)
    config = VJEPA2Config(
        patch_size=8,
        crop_size=32,
        frames_per_clip=8,
        hidden_size=24,
        num_attention_heads=2,
        num_hidden_layers=3,
        mlp_ratio=2.0,
        pred_hidden_size=24,
        pred_num_attention_heads=2,
        pred_num_hidden_layers=1,
    )
    model = VJEPA2Model(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    statistics = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.5]}
    (folder / "video_preprocessor_config.json").write_text(json.dumps(statistics))
    return folder
