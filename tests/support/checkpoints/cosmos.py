"""A tiny random Cosmos Predict1 checkpoint as diffusers publishes it."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKLCosmos, CosmosTextToWorldPipeline, CosmosTransformer3DModel, EDMEulerScheduler
from transformers import T5Config, T5EncoderModel

from tests.support.checkpoints.wan import WORDS, t5_tokenizer

SLOTS = 3  # that the autoencoder has statistics for


class Unguarded(CosmosTextToWorldPipeline):
    """The pipeline without the package that judges what it makes; nothing is made in tests."""

    def __init__(self, text_encoder, tokenizer, transformer, vae, scheduler) -> None:  # type: ignore[no-untyped-def]
        super(CosmosTextToWorldPipeline, self).__init__()
        self.register_modules(
            text_encoder=text_encoder, tokenizer=tokenizer, transformer=transformer, vae=vae, scheduler=scheduler
        )


def cosmos(folder: Path) -> Path:
    """Write a text-to-world Cosmos."""
    torch.manual_seed(0)
    text = T5EncoderModel(T5Config(vocab_size=len(WORDS), d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4))
    transformer = CosmosTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=3,
        mlp_ratio=2,
        text_embed_dim=16,
        adaln_lora_dim=4,
        max_size=(4, 32, 32),
    )
    vae = AutoencoderKLCosmos(
        latent_channels=4,
        encoder_block_out_channels=(8, 8, 8, 8),
        decode_block_out_channels=(8, 8, 8, 8),
        num_layers=1,
        latents_mean=torch.linspace(-0.2, 0.2, 4 * SLOTS).tolist(),
        latents_std=torch.linspace(0.5, 1.5, 4 * SLOTS).tolist(),
    )
    pipeline = Unguarded(text, t5_tokenizer(), transformer, vae, EDMEulerScheduler())
    pipeline.save_pretrained(folder)
    return folder
