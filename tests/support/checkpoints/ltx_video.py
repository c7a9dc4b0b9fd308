"""A tiny random LTX-Video checkpoint as diffusers publishes it."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXPipeline, LTXVideoTransformer3DModel
from transformers import T5Config, T5EncoderModel

from tests.support.checkpoints.wan import WORDS, t5_tokenizer


def ltx_video(folder: Path) -> Path:
    """Write a text-to-video LTX-Video; its autoencoder has the published strides, 32 in space and 8 in time."""
    torch.manual_seed(0)
    text = T5EncoderModel(T5Config(vocab_size=len(WORDS), d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4))
    transformer = LTXVideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=12,
        cross_attention_dim=24,
        num_layers=3,
        caption_channels=16,
    )
    vae = AutoencoderKLLTXVideo(
        latent_channels=4,
        block_out_channels=(4, 4, 4, 4),
        decoder_block_out_channels=(4, 4, 4, 4),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        scaling_factor=0.8,
    )
    vae.latents_mean.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0]))
    vae.latents_std.copy_(torch.tensor([1.0, 2.0, 0.5, 1.5]))
    LTXPipeline(FlowMatchEulerDiscreteScheduler(), vae, text, t5_tokenizer(), transformer).save_pretrained(folder)
    return folder
