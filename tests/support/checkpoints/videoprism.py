"""A tiny random VideoPrism in the published folder layout."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import VideoPrismVisionConfig, VideoPrismVisionModel


def videoprism(folder: Path) -> Path:
    """Write the vision encoder of a VideoPrism of 4 frames of 36 pixels."""
    torch.manual_seed(0)
    config = VideoPrismVisionConfig(
        image_size=36,
        num_frames=4,
        tubelet_size=[1, 9, 9],
        hidden_size=24,
        num_attention_heads=2,
        intermediate_size=32,
        num_spatial_layers=2,
        num_temporal_layers=2,
    )
    model = VideoPrismVisionModel(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    return folder
