"""A tiny random LTX-2 as diffusers publishes it."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLLTX2Audio,
    AutoencoderKLLTX2Video,
    FlowMatchEulerDiscreteScheduler,
    LTX2Pipeline,
    LTX2VideoTransformer3DModel,
)
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

from tests.support.checkpoints.qwen import qwen_tokenizer

TEXT = 16  # channels of the text encoder
LAYERS = 2  # of it


def ltx2(folder: Path) -> Path:
    """Write a text-to-video LTX-2; its autoencoder has the published strides, 32 in space and 8 in time."""
    torch.manual_seed(0)
    tokenizer = qwen_tokenizer()
    text = Gemma3ForConditionalGeneration(
        Gemma3Config(
            text_config={
                "vocab_size": len(tokenizer),
                "hidden_size": TEXT,
                "intermediate_size": TEXT,
                "num_hidden_layers": LAYERS,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "head_dim": 8,
            },
            vision_config={
                "hidden_size": 8,
                "intermediate_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "image_size": 28,
                "patch_size": 14,
            },
        )
    )
    connectors = LTX2TextConnectors(
        caption_channels=TEXT,
        text_proj_in_factor=LAYERS + 1,
        video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=TEXT // 2,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=8,
        audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=TEXT // 2,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=8,
    )
    transformer = LTX2VideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=12,
        cross_attention_dim=24,
        audio_in_channels=4,
        audio_out_channels=4,
        audio_num_attention_heads=2,
        audio_attention_head_dim=8,
        audio_cross_attention_dim=16,
        num_layers=3,
        caption_channels=TEXT,
    )
    vae = AutoencoderKLLTX2Video(
        latent_channels=4,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )
    vae.latents_mean.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0]))
    vae.latents_std.copy_(torch.tensor([1.0, 2.0, 0.5, 1.5]))
    audio = AutoencoderKLLTX2Audio(base_channels=4, ch_mult=(1,), num_res_blocks=1, latent_channels=2, mel_bins=16)
    vocoder = LTX2Vocoder(in_channels=32, hidden_channels=8, upsample_factors=[2], upsample_kernel_sizes=[4])
    LTX2Pipeline(
        FlowMatchEulerDiscreteScheduler(), vae, audio, text, tokenizer, connectors, transformer, vocoder
    ).save_pretrained(folder)
    return folder
