"""Tiny random checkpoints in the published folder layouts, for tests of extractors."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanPipeline, WanTransformer3DModel
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, T5TokenizerFast, UMT5Config, UMT5EncoderModel

WORDS = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((letter, -3.0) for letter in "▁abcdefghijklmnopqrstuvwxyz")]


def t5_tokenizer() -> PreTrainedTokenizerFast:
    """Build a tokenizer of single letters in the layout of T5."""
    words = Tokenizer(Unigram(WORDS, unk_id=2))
    words.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return T5TokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", extra_ids=0)


def wan(folder: Path, kind: Literal["2.1", "2.2-a14b", "2.2-ti2v", "i2v"] = "2.1") -> Path:
    """Write a WAN as diffusers publishes it: of two experts (2.2 A14B), with a residual autoencoder (2.2 TI2V)."""
    torch.manual_seed(0)
    latent = {"2.2-ti2v": 12}.get(kind, 4)
    text = UMT5EncoderModel(UMT5Config(vocab_size=len(WORDS), d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4))
    transformer, other = (
        WanTransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=2 * latent + 4 if kind == "i2v" else latent,
            out_channels=latent,
            text_dim=16,
            freq_dim=16,
            ffn_dim=32,
            num_layers=3,
            rope_max_seq_len=32,
        )
        for _ in range(2)
    )
    residual = {"is_residual": True, "in_channels": 12, "out_channels": 12, "patch_size": 2, "scale_factor_spatial": 16}
    vae = AutoencoderKLWan(
        base_dim=4,
        z_dim=latent,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.1, -0.2, 0.3, 0.0] * (latent // 4),
        latents_std=[1.0, 2.0, 0.5, 1.5] * (latent // 4),
        **(residual if kind == "2.2-ti2v" else {}),
    )
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    experts = {"transformer_2": other, "boundary_ratio": 0.875} if kind == "2.2-a14b" else {}
    tokens = kind == "2.2-ti2v"
    WanPipeline(t5_tokenizer(), text, vae, scheduler, transformer, expand_timesteps=tokens, **experts).save_pretrained(
        folder
    )
    return folder
