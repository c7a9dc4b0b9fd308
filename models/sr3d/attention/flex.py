"""Attention over packed questions by torch's `flex_attention`, for a GPU.

It computes the same pairs of tokens as `shared_prefix`, in blocks of 128 x 128, and keeps neither a mask nor scores in
memory. Heads that share keys and values read them in place; the function of transformers copies them unless there are
2, 4, 8, ... heads, and Qwen2-7B has 28. To transformers this is the attention implementation `packed_flex`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import flex_attention_mask

from models.sr3d.attention.packing import packed_predicate

PACKED_FLEX = "packed_flex"


def packed_block_mask(segment_ids: Int64[Tensor, "batch token"]) -> BlockMask:
    """Find the blocks in which some token attends to another (see `packed_predicate`)."""
    batch, length = segment_ids.shape
    predicate = packed_predicate(segment_ids)
    return create_block_mask(
        predicate, batch, None, length, length, device=segment_ids.device, _compile=segment_ids.is_cuda
    )


def packed_flex_attention(
    module: nn.Module,
    query: Float[Tensor, "batch head token channel"],
    key: Float[Tensor, "batch kv_head seen channel"],
    value: Float[Tensor, "batch kv_head seen channel"],
    attention_mask: BlockMask,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Float[Tensor, "batch token head channel"], None]:
    """Attend where the block mask says: that of `packed_block_mask`, or for a batch that is not packed of transformers.

    Raises:
        ValueError: on a CPU, where torch has no backward pass of `flex_attention`; or dropout, which it has not at all.
    """
    if dropout:
        raise ValueError(f"flex_attention has no dropout, but attention_dropout is {dropout}: make it 0, or use 'sdpa'")
    if torch.is_autocast_enabled(query.device.type):
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    attend = _compiled() if query.is_cuda else flex_attention
    try:
        found = attend(query, key, value, block_mask=attention_mask, scale=scaling, enable_gqa=True)
    except NotImplementedError as error:
        raise ValueError(
            f"flex_attention cannot train on {query.device.type}: use a GPU, or 'sdpa' ({error})"
        ) from error
    return found.transpose(1, 2).contiguous(), None


@cache
def _compiled() -> Any:
    return torch.compile(flex_attention)


AttentionInterface.register(PACKED_FLEX, packed_flex_attention)
AttentionMaskInterface.register(PACKED_FLEX, flex_attention_mask)
