"""Conversion of the published Open-Sora 2.0 keys to those of diffusers' Flux transformer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

OUTSIDE = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": "norm_out.linear",
}
DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "img_attn.q_proj": "attn.to_q",
    "img_attn.k_proj": "attn.to_k",
    "img_attn.v_proj": "attn.to_v",
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "img_attn.proj": "attn.to_out.0",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mod.lin": "norm1_context.linear",
    "txt_attn.q_proj": "attn.add_q_proj",
    "txt_attn.k_proj": "attn.add_k_proj",
    "txt_attn.v_proj": "attn.add_v_proj",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "txt_attn.proj": "attn.to_add_out",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
}
SINGLE = {
    "modulation.lin": "norm.linear",
    "q_proj": "attn.to_q",
    "k_proj": "attn.to_k",
    "v_proj": "attn.to_v",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
    "mlp": "proj_mlp",
    "linear2": "proj_out",
}
STACKS = {"double_blocks": ("transformer_blocks", DOUBLE), "single_blocks": ("single_transformer_blocks", SINGLE)}


def transformer_config(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `FluxTransformer2DModel` off the shapes of a published checkpoint.

    The channels of a head are split over time, rows and columns as 1 : 3.5 : 3.5, so 16, 56 and 56 of 128.

    Raises:
        ValueError: If keys of Open-Sora 2.0 are missing.
    """
    head = size(state, "double_blocks.0.img_attn.norm.query_norm.scale")
    shown = size(state, "cond_in.weight", 1) if "cond_in.weight" in state else 0
    return {
        "in_channels": size(state, "img_in.weight", 1) + shown,
        "out_channels": size(state, "final_layer.linear.weight"),
        "num_layers": depth(state, "double_blocks"),
        "num_single_layers": depth(state, "single_blocks"),
        "attention_head_dim": head,
        "num_attention_heads": size(state, "img_in.weight") // head,
        "joint_attention_dim": size(state, "txt_in.weight", 1),
        "pooled_projection_dim": size(state, "vector_in.in_layer.weight", 1),
        "guidance_embeds": False,
        "axes_dims_rope": (head // 8, head // 16 * 7, head // 16 * 7),
    }


def to_diffusers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert weights.

    Three changes go beyond renaming. Joint projections (`qkv`, `linear1`, `v_mlp`) are split. Where the file stores
    queries and keys separately, as published, rotary positions rotate channel d with channel d + head / 2; diffusers
    rotates neighbouring channels, so the channels are reordered (attention is invariant to a common order). And
    `cond_in`, which projects the condition and is added to the output of `img_in`, becomes further input channels.

    Raises:
        ValueError: If a key is unknown.
    """
    halves = any(key.endswith(".q_proj.weight") for key in state)
    converted: dict[str, Tensor] = {}
    for key, value in state.items():
        for part, piece in split_projection(key, value, size(state, "img_in.weight")):
            if halves and re.search(r"\.(q_proj|k_proj|query_norm|key_norm)\.", part):
                piece = neighbours(piece, size(state, "double_blocks.0.img_attn.norm.query_norm.scale"))
            converted[diffusers_key(part)] = piece
    if "cond_in.weight" in converted:
        converted["x_embedder.weight"] = torch.cat([converted["x_embedder.weight"], converted.pop("cond_in.weight")], 1)
        converted["x_embedder.bias"] = converted["x_embedder.bias"] + converted.pop("cond_in.bias")
    for name in ("norm_out.linear.weight", "norm_out.linear.bias"):
        if name in converted:  # shift, scale as published; scale, shift in diffusers
            converted[name] = torch.cat(converted[name].chunk(2)[::-1])
    return converted


def split_projection(key: str, value: Tensor, hidden: int) -> list[tuple[str, Tensor]]:
    """Split a joint projection into its parts; return any other weight unchanged."""
    stem, _, leaf = key.rpartition(".")
    stem, _, name = stem.rpartition(".")
    parts = {"qkv": ("q_proj", "k_proj", "v_proj"), "linear1": ("q_proj", "k_proj", "v_proj"), "v_mlp": ("v_proj",)}
    if name not in parts:
        return [(key, value)]
    pieces = list(value.split(hidden))
    projections = [(f"{stem}.{part}.{leaf}", piece) for part, piece in zip(parts[name], pieces, strict=False)]
    rest = value[hidden * len(parts[name]) :]
    return [*projections, (f"{stem}.mlp.{leaf}", rest)] if len(rest) else projections


def neighbours(rows: Tensor, head: int) -> Tensor:
    """Move channels d and d + head / 2 of each head, which a rotary position rotates together, to 2 d and 2 d + 1."""
    order: Tensor = rearrange(rows, "(heads two half) ... -> (heads half two) ...", two=2, half=head // 2)
    return order


def diffusers_key(key: str) -> str:
    """Translate a key to diffusers.

    Raises:
        ValueError: If the key is unknown.
    """
    stem, _, leaf = key.rpartition(".")
    leaf = "weight" if leaf == "scale" else leaf
    stack, *rest = stem.split(".", 2)
    if stack in STACKS and len(rest) == 2 and rest[1] in STACKS[stack][1]:
        name, inside = STACKS[stack]
        return f"{name}.{rest[0]}.{inside[rest[1]]}.{leaf}"
    if stem in OUTSIDE:
        return f"{OUTSIDE[stem]}.{leaf}"
    if stem == "cond_in":
        return key
    raise ValueError(f"key {key!r} is not of an Open-Sora 2.0 transformer: give Open_Sora_v2.safetensors")


def size(state: Mapping[str, Tensor], key: str, axis: int = 0) -> int:
    """Read the length of one axis of a weight.

    Raises:
        ValueError: If the weight is missing.
    """
    if key not in state:
        raise ValueError(f"key {key!r} of an Open-Sora 2.0 transformer is missing: give Open_Sora_v2.safetensors")
    return state[key].shape[axis]


def depth(state: Mapping[str, Tensor], stack: str) -> int:
    """Count the blocks of a stack."""
    return 1 + max((int(key.split(".")[1]) for key in state if key.startswith(f"{stack}.")), default=-1)
