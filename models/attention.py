"""Attention backends by name."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, get_args

Attention = Literal["sdpa", "flash", "eager"]


def attention_implementation(name: str) -> str:
    """Translate a backend name to that of transformers, without falling back to another backend.

    Raises ValueError for an unknown name and ImportError where FlashAttention is selected but not installed.
    """
    if name not in get_args(Attention):
        raise ValueError(f"unknown attention backend {name!r}: choose one of {', '.join(get_args(Attention))}")
    if name == "flash" and find_spec("flash_attn") is None:
        raise ImportError("attention 'flash' needs flash-attn: pip install 'region4d[flash]' on a GPU, or use 'sdpa'")
    return "flash_attention_2" if name == "flash" else name
