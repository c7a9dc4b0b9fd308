"""Many questions about one clip in one sequence: they share its visual prefix and do not see each other.

`segment_ids`: 0 is the shared prefix, 1, 2, ... the questions, -1 padding. Segments are contiguous.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int64
from torch import Tensor


def packed_attention_mask(segment_ids: Int64[Tensor, "batch token"]) -> Bool[Tensor, "batch 1 token token"]:
    """Let each token attend to the prefix and, causally, to its own segment. Padding attends to itself only."""
    query, key = segment_ids[:, :, None], segment_ids[:, None, :]
    length = segment_ids.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=segment_ids.device).tril()
    seen = causal & ((key == query) | (key == 0)) & (query >= 0) & (key >= 0)
    itself = torch.eye(length, dtype=torch.bool, device=segment_ids.device)
    return (seen | itself)[:, None]


def packed_position_ids(segment_ids: Int64[Tensor, "batch token"]) -> Int64[Tensor, "batch token"]:
    """Number the tokens as if each question followed the prefix directly."""
    index = torch.arange(segment_ids.shape[1], device=segment_ids.device).expand_as(segment_ids)
    starts = torch.ones_like(segment_ids, dtype=torch.bool)
    starts[:, 1:] = segment_ids[:, 1:] != segment_ids[:, :-1]
    within = index - torch.where(starts, index, torch.zeros_like(index)).cummax(1).values
    prefix = (segment_ids == 0).sum(1, keepdim=True)
    return within + torch.where(segment_ids > 0, prefix, torch.zeros_like(prefix))
