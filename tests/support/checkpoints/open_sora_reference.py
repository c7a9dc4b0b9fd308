"""Open-Sora 2.0's transformer from the equations of its paper (arXiv 2503.09642), on weights in the published keys.

There is no stock class of it to test against; this one is written apart from the converter and in another way.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, silu

State = dict[str, Tensor]


def forward(
    state: State, img: Tensor, cond: Tensor, txt: Tensor, pooled: Tensor, t: float, places: Tensor
) -> tuple[list[Tensor], Tensor]:
    """Give the tokens of the video behind each block, and what is predicted."""
    fused = "double_blocks.0.img_attn.qkv.weight" in state
    angles = position_angles(places, len(txt[0]), len(state["double_blocks.0.img_attn.norm.query_norm.scale"]))
    vec = embed(state, "time_in", sinusoid(t)) + embed(state, "vector_in", pooled)
    img, txt = linear(state, "img_in", img) + linear(state, "cond_in", cond), linear(state, "txt_in", txt)
    found = []
    for k in range(depth(state, "double_blocks")):
        img, txt = double_block(state, f"double_blocks.{k}", img, txt, vec, angles, fused)
        found.append(img)
    both = torch.cat([txt, img], 1)
    for k in range(depth(state, "single_blocks")):
        both = single_block(state, f"single_blocks.{k}", both, vec, angles, fused)
        found.append(both[:, len(txt[0]) :])
    shift, scale = linear(state, "final_layer.adaLN_modulation.1", silu(vec))[:, None].chunk(2, -1)
    return found, linear(state, "final_layer.linear", modulated(found[-1], shift, scale))


def double_block(
    state: State, key: str, img: Tensor, txt: Tensor, vec: Tensor, angles: Tensor, fused: bool
) -> tuple[Tensor, Tensor]:
    streams = {"txt": txt, "img": img}
    mods = {name: linear(state, f"{key}.{name}_mod.lin", silu(vec))[:, None].chunk(6, -1) for name in streams}
    parts = {name: heads_of(state, f"{key}.{name}_attn", modulated(x, *mods[name][:2])) for name, x in streams.items()}
    q, k, v = (torch.cat([parts["txt"][i], parts["img"][i]], 2) for i in range(3))
    mixed = attention(q, k, v, angles, fused).split([len(txt[0]), len(img[0])], 1)
    for (name, x), attended in zip(streams.items(), mixed, strict=True):
        _, _, gate, shift, scale, gate_mlp = mods[name]
        x = x + gate * linear(state, f"{key}.{name}_attn.proj", attended)
        inner = linear(state, f"{key}.{name}_mlp.0", modulated(x, shift, scale))
        streams[name] = x + gate_mlp * linear(state, f"{key}.{name}_mlp.2", gelu(inner, approximate="tanh"))
    return streams["img"], streams["txt"]


def single_block(state: State, key: str, x: Tensor, vec: Tensor, angles: Tensor, fused: bool) -> Tensor:
    shift, scale, gate = linear(state, f"{key}.modulation.lin", silu(vec))[:, None].chunk(3, -1)
    inside = modulated(x, shift, scale)
    q, k, v = heads_of(state, key, inside)
    joint = linear(state, f"{key}.linear1" if fused else f"{key}.v_mlp", inside)
    mlp = joint[..., (3 if fused else 1) * x.shape[-1] :]
    both = torch.cat([attention(q, k, v, angles, fused), gelu(mlp, approximate="tanh")], -1)
    return x + gate * linear(state, f"{key}.linear2", both)


def heads_of(state: State, key: str, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Project to queries, keys and values of each head; normalise the first two."""
    width = x.shape[-1]
    if joint := next((name for name in ("qkv", "linear1") if f"{key}.{name}.weight" in state), None):
        q, k, v = linear(state, f"{key}.{joint}", x)[..., : 3 * width].chunk(3, -1)
    else:
        last = "v_proj" if f"{key}.v_proj.weight" in state else "v_mlp"
        q, k, v = (linear(state, f"{key}.{name}", x)[..., :width] for name in ("q_proj", "k_proj", last))
    head = len(state[f"{key}.norm.query_norm.scale"])
    q, k, v = (y.unflatten(-1, (-1, head)).transpose(1, 2) for y in (q, k, v))
    q, k = (
        y / (y.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * state[f"{key}.norm.{which}_norm.scale"]
        for which, y in (("query", q), ("key", k))
    )
    return q, k, v


def attention(q: Tensor, k: Tensor, v: Tensor, angles: Tensor, fused: bool) -> Tensor:
    q, k = (turned(x, angles, fused) for x in (q, k))
    weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(2)


def turned(x: Tensor, angles: Tensor, fused: bool) -> Tensor:
    """Turn pairs of channels: neighbours where projections are fused, else one of each half."""
    a, b = (x[..., ::2], x[..., 1::2]) if fused else x.chunk(2, -1)
    pair = a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()
    return torch.stack(pair, -1).flatten(-2) if fused else torch.cat(pair, -1)


def position_angles(places: Tensor, text: int, head: int) -> Tensor:
    """Give the angle of each pair of channels: 1 : 3.5 : 3.5 of them for time, rows and columns; none for text."""
    places = torch.cat([places.new_zeros(text, 3), places]).double()
    widths = (head // 8, head * 7 // 16, head * 7 // 16)
    steps = [10000 ** -(torch.arange(0, width, 2, dtype=torch.float64) / width) for width in widths]
    return torch.cat([places[:, i, None] * step for i, step in enumerate(steps)], -1).float()


def sinusoid(t: float) -> Tensor:
    angles = 1000 * t * torch.exp(-math.log(10000) * torch.arange(128) / 128)
    return torch.cat([angles.cos(), angles.sin()])[None]


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return (1 + scale) * layer_norm(x, x.shape[-1:], eps=1e-6) + shift


def embed(state: State, key: str, x: Tensor) -> Tensor:
    return linear(state, f"{key}.out_layer", silu(linear(state, f"{key}.in_layer", x)))


def linear(state: State, key: str, x: Tensor) -> Tensor:
    return x @ state[f"{key}.weight"].T + state[f"{key}.bias"]


def depth(state: State, stack: str) -> int:
    return len({key.split(".")[1] for key in state if key.startswith(stack)})
