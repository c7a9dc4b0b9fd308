"""A pre-norm transformer block with layer scale and optional rotary positions in two dimensions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn

from models.rotary import rotate

LAYER_SCALE = 0.01


class Block(nn.Module):
    """Self-attention and MLP; `positions` (row, column of each token) rotate queries and keys.

    Source: specs/vidfm3d.md 2.1 (the blocks of VGGT, arXiv 2503.11651).

    Args:
        width: channels of a token.
        heads: attention heads.
        normalise: layer norm of queries and keys in each head.
        layer_scale: initial factor of the residual branches.

    Raises:
        ValueError: the channels of a head are not a multiple of 4.
    """

    def __init__(self, width: int, heads: int, normalise: bool = False, layer_scale: float = LAYER_SCALE) -> None:
        super().__init__()
        if width % heads or (width // heads) % 4:
            raise ValueError(f"width {width} with {heads} heads: choose heads with a multiple of 4 channels each")
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query_norm = nn.LayerNorm(width // heads) if normalise else nn.Identity()
        self.key_norm = nn.LayerNorm(width // heads) if normalise else nn.Identity()
        self.mlp = mlp(width, 4 * width, width)
        self.scale1, self.scale2 = (nn.Parameter(torch.full((width,), layer_scale)) for _ in range(2))

    def forward(
        self, tokens: Float[Tensor, "batch token channel"], positions: Int64[Tensor, "batch token 2"] | None = None
    ) -> Float[Tensor, "batch token channel"]:
        """Attend among all tokens of a batch item, then apply the MLP to each."""
        tokens = tokens + self.scale1 * self._attend(self.norm1(tokens), positions)
        output: Tensor = tokens + self.scale2 * self.mlp(self.norm2(tokens))
        return output

    def _attend(self, tokens: Tensor, positions: Tensor | None) -> Tensor:
        query, key, value = rearrange(self.qkv(tokens), "b t (k h d) -> k b h t d", k=3, h=self.heads)
        query, key = self.query_norm(query), self.key_norm(key)
        if positions is not None:
            query, key = rotate(query, positions), rotate(key, positions)
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.out(rearrange(attended, "b h t d -> b t (h d)"))  # type: ignore[no-any-return]


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Build two linear layers with GELU in between."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))
