"""Attention over packed questions in blocks: the shared prefix once, then every question against the prefix and itself.

A packed row of P prefix tokens and Q questions of L tokens has (P + Q L)^2 pairs of tokens, of which P^2 + Q L (P + L)
attend; only those are computed. To transformers this is the attention implementation `shared_prefix`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

SHARED_PREFIX = "shared_prefix"


@dataclass(frozen=True)
class Blocks:
    """Where the tokens of packed rows lie, as numbers into the flattened (batch, token), and who attends to whom.

    The prefixes have one line a row of the batch, the questions one line each; lines are padded with token 0, which
    nobody attends to. `tokens` lists where the lines lie that are not padding: prefixes first, then questions.
    """

    prefix: Int64[Tensor, "batch prefix"]
    question: Int64[Tensor, "question length"]
    row: Int64[Tensor, "question"]
    prefix_sees: Bool[Tensor, "batch 1 prefix prefix"]
    question_sees: Bool[Tensor, "question 1 length prefix_length"]
    real: Int64[Tensor, "real"]
    tokens: Int64[Tensor, "real"]

    @classmethod
    def of(cls, segment_ids: Int64[Tensor, "batch token"]) -> Blocks:
        """Find the segments: 0 is the prefix of a row, 1, 2, ... are its questions, -1 is padding; all contiguous.

        Raises ValueError where a row has no prefix or the batch no question.
        """
        batch, length = segment_ids.shape
        device = segment_ids.device
        number = segment_ids + torch.arange(batch, device=device)[:, None] * (length + 1)  # of a segment, in the batch
        tokens = torch.nonzero(segment_ids.flatten() >= 0)[:, 0]
        segment, count = torch.unique_consecutive(number.flatten()[tokens], return_counts=True)
        row, is_prefix = segment // (length + 1), segment % (length + 1) == 0
        if row[is_prefix].tolist() != list(range(batch)) or bool(is_prefix.all()):
            raise ValueError("a packed batch needs one prefix a row and a question: collate it with packed=True")
        start = count.cumsum(0) - count

        def lines(which: Tensor) -> tuple[Tensor, Tensor]:
            offset = torch.arange(int(count[which].max()), device=device)
            there = offset < count[which][:, None]
            return tokens[(start[which][:, None] + offset).where(there, 0)], there

        prefix, prefix_there = lines(is_prefix)
        question, question_there = lines(~is_prefix)
        own = (question_there[:, None] & _causal(question))[:, None]
        shared = prefix_there[row[~is_prefix]][:, None, None].expand(-1, -1, question.shape[1], -1)
        real = torch.nonzero(torch.cat([prefix_there.flatten(), question_there.flatten()]))[:, 0]
        return cls(
            prefix=prefix,
            question=question,
            row=row[~is_prefix],
            prefix_sees=(prefix_there[:, None] & _causal(prefix))[:, None],
            question_sees=torch.cat([shared, own], -1),
            real=real,
            tokens=torch.cat([prefix.flatten(), question.flatten()])[real],
        )


def shared_prefix_attention(
    module: nn.Module,
    query: Float[Tensor, "batch head token channel"],
    key: Float[Tensor, "batch kv_head seen channel"],
    value: Float[Tensor, "batch kv_head seen channel"],
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    blocks: Blocks | None = None,
    **kwargs: Any,
) -> tuple[Float[Tensor, "batch token head channel"], None]:
    """Attend within blocks; without them (a batch that is not packed) as `sdpa` does."""
    if blocks is None:
        whole: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return whole
    batch, heads, length, _ = query.shape
    groups = heads // key.shape[1]
    flat = [x.transpose(1, 2).flatten(0, 1) for x in (query, repeat_kv(key, groups), repeat_kv(value, groups))]

    def take(lines: Tensor) -> list[Tensor]:
        return [pick(x, lines).transpose(1, 2) for x in flat]

    attend = partial(F.scaled_dot_product_attention, dropout_p=dropout, scale=scaling)
    q, prefix_k, prefix_v = take(blocks.prefix)
    prefix = attend(q, prefix_k, prefix_v, blocks.prefix_sees)
    q, k, v = take(blocks.question)
    k, v = (torch.cat([pick(x, blocks.row), own], 2) for x, own in ((prefix_k, k), (prefix_v, v)))
    question = attend(q, k, v, blocks.question_sees)
    found = torch.cat([x.transpose(1, 2).flatten(0, 1) for x in (prefix, question)]).index_select(0, blocks.real)
    whole_rows = found.new_zeros(flat[0].shape)  # not of the query's type: under autocast attention answers in bf16
    return whole_rows.index_copy(0, blocks.tokens, found).unflatten(0, (batch, length)), None


def pick(rows: Float[Tensor, "row *rest"], index: Int64[Tensor, "*batch"]) -> Float[Tensor, "*batch *rest"]:
    """Select rows, as an embedding: on a CPU its backward pass is much faster than that of `index_select`."""
    chosen: Tensor = F.embedding(index, rows.flatten(1)).unflatten(-1, rows.shape[1:])
    return chosen


def _causal(lines: Tensor) -> Bool[Tensor, "token token"]:
    size = lines.shape[1]
    return torch.ones(size, size, dtype=torch.bool, device=lines.device).tril()


AttentionInterface.register(SHARED_PREFIX, shared_prefix_attention)
AttentionMaskInterface.register(SHARED_PREFIX, sdpa_mask)
