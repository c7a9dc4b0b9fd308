"""A tiny random HunyuanVideo 1.5 as diffusers publishes it."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo15,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideo15Pipeline,
    HunyuanVideo15Transformer3DModel,
)
from diffusers.guiders import ClassifierFreeGuidance
from transformers import ByT5Tokenizer, Qwen2_5_VLTextConfig, Qwen2_5_VLTextModel, T5Config, T5EncoderModel

from tests.support.checkpoints.qwen import WIDTH, qwen_tokenizer


def hunyuan_video15(folder: Path, task: str = "t2v") -> Path:
    """Write a HunyuanVideo 1.5 with the published strides of its autoencoder, 16 in space and 4 in time."""
    torch.manual_seed(0)
    tokenizer = qwen_tokenizer()
    text = Qwen2_5_VLTextModel(
        Qwen2_5_VLTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=3,
            num_attention_heads=2,
            num_key_value_heads=2,
            rope_parameters={"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4},
        )
    )
    transformer = HunyuanVideo15Transformer3DModel(
        in_channels=9,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=3,
        num_refiner_layers=1,
        mlp_ratio=2.0,
        text_embed_dim=WIDTH,
        text_embed_2_dim=8,
        image_embed_dim=8,
        rope_axes_dim=(4, 6, 6),
        task_type=task,
    )
    vae = AutoencoderKLHunyuanVideo15(latent_channels=4, block_out_channels=(8, 8, 8, 8, 8), layers_per_block=1)
    HunyuanVideo15Pipeline(
        text,
        tokenizer,
        transformer,
        vae,
        FlowMatchEulerDiscreteScheduler(shift=5.0),
        T5EncoderModel(T5Config(vocab_size=384, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)),
        ByT5Tokenizer(),
        ClassifierFreeGuidance(),
    ).save_pretrained(folder)
    return folder
