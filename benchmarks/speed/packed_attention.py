"""Packed attention at the shapes of NVILA-Lite-8B, for `region4d speed kernels`: a clip and its questions in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from models.sr3d.attention.flex import packed_block_mask, packed_flex_attention
from models.sr3d.attention.packing import packed_attention_mask
from models.sr3d.attention.shared_prefix import Blocks, shared_prefix_attention

HEADS, KEY_HEADS, CHANNELS = 28, 4, 128  # of Qwen2-7B


def packed_attention(
    device: torch.device,
    prefix: int = 16 * 121,
    questions: int = 16,
    length: int = 64,
    dtype: torch.dtype = torch.bfloat16,
) -> dict[str, Mapping[str, Callable[[], object]]]:
    """Prepare one layer's attention, forward and backward, over a row of 16 frames and as many questions."""
    segment_ids = torch.cat(
        [torch.zeros(prefix, dtype=torch.long), 1 + torch.arange(questions).repeat_interleave(length)]
    )
    segment_ids = segment_ids[None].to(device)
    tokens = segment_ids.shape[1]
    query, key, value = (
        torch.randn(1, heads, tokens, CHANNELS, device=device, dtype=dtype, requires_grad=True)
        for heads in (HEADS, KEY_HEADS, KEY_HEADS)
    )
    layer, blocks = nn.Module(), Blocks.of(segment_ids)
    block_mask, mask = packed_block_mask(segment_ids), packed_attention_mask(segment_ids)

    def trained(attend: Callable[[], Tensor]) -> None:
        found = attend()
        torch.autograd.grad(found, (query, key, value), torch.ones_like(found))

    return {
        f"packed_attention: {prefix} tokens and {questions} questions of {length}": {
            "flex_attention": partial(trained, lambda: packed_flex_attention(layer, query, key, value, block_mask)[0]),
            "shared prefix by sdpa": partial(
                trained, lambda: shared_prefix_attention(layer, query, key, value, None, blocks=blocks)[0]
            ),
            "sdpa with a mask": partial(
                trained, lambda: scaled_dot_product_attention(query, key, value, mask, enable_gqa=True)
            ),
        }
    }
