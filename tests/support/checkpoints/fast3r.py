"""A tiny random Fast3R in the published folder layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

WIDTH, FUSION, HEADS, DEPTH, PATCH = 16, 24, 2, 2, 4


def block(width: int) -> dict[str, tuple[int, ...]]:
    """List the weights of a block."""
    found: dict[str, tuple[int, ...]] = {}
    for part, (outputs, inputs) in {
        "attn.qkv": (3 * width, width),
        "attn.proj": (width, width),
        "mlp.fc1": (4 * width, width),
        "mlp.fc2": (width, 4 * width),
    }.items():
        found |= {f"{part}.weight": (outputs, inputs), f"{part}.bias": (outputs,)}
    for norm in ("norm1", "norm2"):
        found |= {f"{norm}.weight": (width,), f"{norm}.bias": (width,)}
    return found


def shapes() -> dict[str, tuple[int, ...]]:
    """List the published names."""
    found: dict[str, tuple[int, ...]] = {
        "encoder.patch_embed.proj.weight": (WIDTH, 3, PATCH, PATCH),
        "encoder.patch_embed.proj.bias": (WIDTH,),
        "encoder.enc_norm.weight": (WIDTH,),
        "encoder.enc_norm.bias": (WIDTH,),
        "decoder.decoder_embed.weight": (FUSION, WIDTH),
        "decoder.decoder_embed.bias": (FUSION,),
        "decoder.dec_norm.weight": (FUSION,),
        "decoder.dec_norm.bias": (FUSION,),
        "downstream_head.dpt.head.0.weight": (3, 3),
        "downstream_head_local.dpt.head.0.weight": (3, 3),
    }
    for k in range(DEPTH):
        found |= {f"encoder.enc_blocks.{k}.{name}": shape for name, shape in block(WIDTH).items()}
        found |= {f"decoder.dec_blocks.{k}.{name}": shape for name, shape in block(FUSION).items()}
    return found


def fast3r(folder: Path, weights: dict[str, torch.Tensor] | None = None, **decoder: Any) -> Path:
    """Write a Fast3R as its authors publish it, heads and all; `weights` and `decoder` (of its config) come on top."""
    generator = torch.Generator().manual_seed(0)
    state = {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in shapes().items()}
    arguments = {
        "encoder_args": {
            **{"encoder_type": "croco", "pos_embed": "RoPE100", "patch_embed_cls": "ManyAR_PatchEmbed"},
            **{"img_size": 512, "patch_size": PATCH, "embed_dim": WIDTH, "num_heads": HEADS, "depth": DEPTH},
            **{"mlp_ratio": 4, "attn_implementation": "flash_attention"},
        },
        "decoder_args": {
            **{"decoder_type": "fast3r", "random_image_idx_embedding": True, "enc_embed_dim": WIDTH},
            **{"embed_dim": FUSION, "num_heads": HEADS, "depth": DEPTH, "mlp_ratio": 4.0, "qkv_bias": True},
            **{"attn_bias_for_inference_enabled": False},
            **decoder,
        },
        "head_args": {"head_type": "dpt"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state | (weights or {}), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(arguments))
    return folder
