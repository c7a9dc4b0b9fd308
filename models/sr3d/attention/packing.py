"""Many questions about one clip in one sequence: they share its visual prefix and do not see each other.

`segment_ids`: 0 is the shared prefix, 1, 2, ... the questions, -1 padding. Segments are contiguous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import no_type_check

import torch
from jaxtyping import Bool, Int64, Integer
from torch import Tensor

Index = Integer[Tensor, "..."]
Predicate = Callable[[Index, Index, Index, Index], Bool[Tensor, "..."]]


def packed_predicate(segment_ids: Int64[Tensor, "batch token"]) -> Predicate:
    """Tell whether token `query` of row `batch` attends to token `key`, in the signature that `flex_attention` takes.

    Each token attends to the prefix and, causally, to its own segment; padding attends to itself only.
    """

    @no_type_check  # torch looks at the arguments of the function itself
    def attends(batch: Index, head: Index, query: Index, key: Index) -> Bool[Tensor, "..."]:
        own, other = segment_ids[batch, query], segment_ids[batch, key]
        seen = (key <= query) & ((other == own) | (other == 0)) & (own >= 0) & (other >= 0)
        return seen | (key == query)

    predicate: Predicate = attends
    return predicate


def packed_attention_mask(segment_ids: Int64[Tensor, "batch token"]) -> Bool[Tensor, "batch 1 token token"]:
    """Write the predicate out for every pair of tokens."""
    rows, token = (torch.arange(size, device=segment_ids.device) for size in segment_ids.shape)
    mask: Tensor = packed_predicate(segment_ids)(rows[:, None, None], rows[:1], token[:, None], token)
    return mask[:, None]


def packed_position_ids(segment_ids: Int64[Tensor, "batch token"]) -> Int64[Tensor, "batch token"]:
    """Number the tokens as if each question followed the prefix directly."""
    index = torch.arange(segment_ids.shape[1], device=segment_ids.device).expand_as(segment_ids)
    starts = torch.ones_like(segment_ids, dtype=torch.bool)
    starts[:, 1:] = segment_ids[:, 1:] != segment_ids[:, :-1]
    within = index - torch.where(starts, index, torch.zeros_like(index)).cummax(1).values
    prefix = (segment_ids == 0).sum(1, keepdim=True)
    return within + torch.where(segment_ids > 0, prefix, torch.zeros_like(prefix))
