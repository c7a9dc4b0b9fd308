"""What each attention backend takes to keep the packed questions of a row apart."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from models.attention import PACKED
from models.sr3d.attention.flex import PACKED_FLEX, packed_block_mask
from models.sr3d.attention.packing import packed_attention_mask
from models.sr3d.attention.shared_prefix import SHARED_PREFIX, Blocks


def packed_arguments(backend: str, segment_ids: Int64[Tensor, "batch token"], dtype: torch.dtype) -> dict[str, Any]:
    """Make the language model's `attention_mask`, and `blocks` for `shared_prefix`, of packed rows.

    Args:
        backend: name of the attention implementation in transformers.
        segment_ids: see `models.sr3d.attention.packing`.
        dtype: that of the embeddings.

    Raises:
        ValueError: the backend takes no mask of this kind.
    """
    if backend == SHARED_PREFIX:  # the blocks stand for the mask
        return {"attention_mask": segment_ids.new_ones(1, 1, 1, 1).bool(), "blocks": Blocks.of(segment_ids)}
    if backend in (PACKED_FLEX, "flex_attention"):
        return {"attention_mask": packed_block_mask(segment_ids)}
    if backend not in PACKED:
        raise ValueError(
            f"a packed batch needs attention {', '.join(PACKED)}, not {backend!r}: choose one of these, or collate "
            "with packed=False"
        )
    mask = packed_attention_mask(segment_ids)
    if backend == "eager":
        mask = torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, torch.finfo(dtype).min)
    return {"attention_mask": mask}
