"""A tiny random Cosmos Predict2.5 as diffusers publishes it."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLWan,
    Cosmos2_5_PredictBasePipeline,
    CosmosTransformer3DModel,
    UniPCMultistepScheduler,
)
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from tests.support.checkpoints.qwen import WIDTH, qwen_tokenizer

LAYERS = 2  # of the text encoder, all of which condition the transformer


class Unguarded(Cosmos2_5_PredictBasePipeline):
    """The pipeline without the package that judges what it makes; nothing is made in tests."""

    def __init__(self, text_encoder, tokenizer, transformer, vae, scheduler) -> None:  # type: ignore[no-untyped-def]
        super(Cosmos2_5_PredictBasePipeline, self).__init__()
        self.register_modules(
            text_encoder=text_encoder, tokenizer=tokenizer, transformer=transformer, vae=vae, scheduler=scheduler
        )


def cosmos25(folder: Path) -> Path:
    """Write a text-to-world Cosmos Predict2.5."""
    torch.manual_seed(0)
    tokenizer = qwen_tokenizer()
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4}
    text = Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config={
                "vocab_size": len(tokenizer),
                "hidden_size": WIDTH,
                "intermediate_size": WIDTH,
                "num_hidden_layers": LAYERS,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "rope_parameters": rope,
            },
            vision_config={
                "depth": 1,
                "hidden_size": 8,
                "intermediate_size": 8,
                "num_heads": 2,
                "out_hidden_size": WIDTH,
            },
        )
    )
    transformer = CosmosTransformer3DModel(
        in_channels=5,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=3,
        mlp_ratio=2,
        text_embed_dim=12,
        adaln_lora_dim=4,
        max_size=(8, 32, 32),
        rope_scale=(1.0, 3.0, 3.0),
        extra_pos_embed_type=None,
        use_crossattn_projection=True,
        crossattn_proj_in_channels=LAYERS * WIDTH,
        encoder_hidden_states_channels=12,
    )
    vae = AutoencoderKLWan(
        base_dim=4,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.1, -0.2, 0.3, 0.0],
        latents_std=[1.0, 2.0, 0.5, 1.5],
    )
    scheduler = UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction")
    Unguarded(text, tokenizer, transformer, vae, scheduler).save_pretrained(folder)
    return folder
