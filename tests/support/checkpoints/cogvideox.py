"""Tiny random CogVideoX checkpoints as diffusers publishes them: text-to-video, image-to-video, Aether."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXImageToVideoPipeline,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
)
from transformers import T5Config, T5EncoderModel

from tests.support.checkpoints.wan import WORDS, t5_tokenizer

LATENT, CAMERA = 4, 6


def transformer(in_channels: int, out_channels: int = LATENT, **options: object) -> CogVideoXTransformer3DModel:
    return CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=in_channels,
        out_channels=out_channels,
        time_embed_dim=8,
        text_embed_dim=16,
        num_layers=3,
        sample_width=6,
        sample_height=4,
        sample_frames=9,
        **options,
    )


def cogvideox(folder: Path, image_to_video: bool = False) -> Path:
    """Write a CogVideoX: text-to-video as 2B, with fixed positions, or image-to-video as 5B-I2V, with rotary ones."""
    torch.manual_seed(0)
    text = T5EncoderModel(T5Config(vocab_size=len(WORDS), d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4))
    rotary = {"use_rotary_positional_embeddings": True, "use_learned_positional_embeddings": True}
    vae = AutoencoderKLCogVideoX(
        block_out_channels=(8, 8, 8, 8),
        latent_channels=LATENT,
        layers_per_block=1,
        norm_num_groups=2,
        sample_height=32,
        sample_width=48,
        scaling_factor=0.7,
        invert_scale_latents=image_to_video,
    )
    scheduler = CogVideoXDDIMScheduler(
        snr_shift_scale=1.0 if image_to_video else 3.0,
        rescale_betas_zero_snr=True,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
    )
    pipeline = CogVideoXImageToVideoPipeline if image_to_video else CogVideoXPipeline
    model = transformer(2 * LATENT, **rotary) if image_to_video else transformer(LATENT)
    pipeline(t5_tokenizer(), text, vae, model, scheduler).save_pretrained(folder)
    return folder


def aether(folder: Path) -> Path:
    """Write the transformer of an Aether: its geometry is disparity latents and a ray map of 6 channels."""
    torch.manual_seed(1)
    denoised = 2 * LATENT + CAMERA
    model = transformer(denoised + LATENT + CAMERA, denoised, use_rotary_positional_embeddings=True)
    model.save_pretrained(folder / "transformer")
    return folder
