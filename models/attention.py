"""Attention backends by name."""

from __future__ import annotations

PACKED = {"sdpa": "shared_prefix", "flex_attention": "packed_flex", "eager": "eager"}  # what trains packed batches
SHORT = {"flash": "flash_attention_2"}


def attention_implementation(name: str) -> str:
    """Translate a backend name to that of transformers: one that it knows, or "flash" for "flash_attention_2".

    Raises ValueError for an unknown name and ImportError where the FlashAttention that it names is not installed: no
    other backend, and no code of the Hub, takes its place.
    """
    from transformers import AttentionInterface
    from transformers.utils import import_utils

    chosen = SHORT.get(name, name)
    known = ["eager", *(each for each in AttentionInterface().valid_keys() if "|" not in each)]
    if chosen not in known:
        raise ValueError(f"unknown attention backend {name!r}: choose one of {', '.join([*known, *SHORT])}")
    if chosen.startswith("flash_attention_") and not getattr(import_utils, f"is_{_package(chosen)}_available")():
        remedy = "pip install 'region4d[flash]' on a GPU" if chosen == "flash_attention_2" else "install it on a GPU"
        raise ImportError(f"attention {name!r} needs FlashAttention {chosen[-1]}: {remedy}, or use 'sdpa'")
    return chosen


def packed_attention(name: str) -> str:
    """Translate a backend name to the backend that attends as it does within packed batches, which trainings have.

    Raises ValueError for a backend that cannot: FlashAttention knows neither several questions after one prefix nor,
    in transformers, a mask.
    """
    if name in PACKED.values():
        return name
    if name not in PACKED:
        raise ValueError(
            f"attention {name!r} cannot train: the questions about one clip are packed into a row, of which only "
            f"{', '.join(PACKED)} keep them apart; choose one of these"
        )
    return PACKED[name]


def _package(implementation: str) -> str:
    return implementation.replace("flash_attention_", "flash_attn_")
