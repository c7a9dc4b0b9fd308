"""A tiny random HunyuanVideo checkpoint as diffusers publishes it."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoPipeline,
    HunyuanVideoTransformer3DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, LlamaConfig, LlamaModel, LlamaTokenizer

LETTERS = {word: k for k, word in enumerate(["<unk>", "<s>", "</s>", *"▁abcdefghijklmnopqrstuvwxyz"])}


def clip_tokenizer() -> CLIPTokenizer:
    """Build a tokenizer that knows where text begins and ends."""
    return CLIPTokenizer(vocab={"<|startoftext|>": 0, "<|endoftext|>": 1}, merges=[], model_max_length=77)


def clip_text(width: int) -> CLIPTextModel:
    """Build the text encoder of a tiny CLIP."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=2,
            hidden_size=width,
            intermediate_size=16,
            projection_dim=width,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )


def transformer(**options: object) -> HunyuanVideoTransformer3DModel:
    return HunyuanVideoTransformer3DModel(
        **{
            "in_channels": 4,
            "out_channels": 4,
            "num_attention_heads": 2,
            "attention_head_dim": 16,
            "num_layers": 2,
            "num_single_layers": 2,
            "num_refiner_layers": 1,
            "text_embed_dim": 16,
            "pooled_projection_dim": 8,
            "rope_axes_dim": (4, 6, 6),
            **options,
        }
    )


def hunyuan_video(folder: Path) -> Path:
    """Write a text-to-video HunyuanVideo."""
    torch.manual_seed(0)
    llama = LlamaModel(
        LlamaConfig(
            vocab_size=len(LETTERS),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=3,
            num_attention_heads=2,
            max_position_embeddings=512,
        )
    )
    vae = AutoencoderKLHunyuanVideo(
        latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=2
    )
    HunyuanVideoPipeline(
        llama,
        LlamaTokenizer(vocab=LETTERS, merges=[], pad_token="</s>", padding_side="right"),
        transformer(),
        vae,
        FlowMatchEulerDiscreteScheduler(shift=7.0),
        clip_text(8),
        clip_tokenizer(),
    ).save_pretrained(folder)
    return folder
