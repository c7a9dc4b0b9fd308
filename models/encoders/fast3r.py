"""Fast3R (arXiv 2501.13928) up to its heads: encode every image, then let the tokens of all attend to one another."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float, Int64
from timm.layers import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from models.encoders.sincos import sincos
from models.rotary import rotate

INDICES = 1000  # images that have an index


class Fast3R(nn.Module):
    """A CroCo encoder (arXiv 2211.10408) of each image, and a fusion transformer over all of them.

    The encoder knows by rotary positions where a patch is in its image. The fusion transformer knows by an index which
    image a token is of, and of the place no more than the encoder put into it. Paper section 4.

    Args:
        width: channels of a token in the encoder.
        depth: blocks of the encoder.
        heads: attention heads of the encoder.
        fusion_width: channels of a token in the fusion transformer.
        fusion_depth: its blocks.
        fusion_heads: its attention heads.
        patch: pixels that a token spans in height and in width.
    """

    index_table: Tensor

    def __init__(
        self,
        width: int = 1024,
        depth: int = 24,
        heads: int = 16,
        fusion_width: int = 1024,
        fusion_depth: int = 24,
        fusion_heads: int = 16,
        patch: int = 16,
    ) -> None:
        super().__init__()
        norm = partial(nn.LayerNorm, eps=1e-6)
        self.patch = patch
        self.patchify = nn.Conv2d(3, width, patch, stride=patch)
        self.encoder = nn.ModuleList(RotaryBlock(width, heads, qkv_bias=True, norm_layer=norm) for _ in range(depth))
        self.encoder_norm = norm(width)
        self.projection = nn.Linear(width, fusion_width)
        self.register_buffer("index_table", sincos(torch.arange(INDICES), fusion_width))
        # the released fusion blocks norm with 1e-5, torch's default, all other norms with 1e-6
        self.fusion = nn.ModuleList(
            Block(fusion_width, fusion_heads, qkv_bias=True, norm_layer=nn.LayerNorm) for _ in range(fusion_depth)
        )
        self.fusion_norm = norm(fusion_width)

    def forward(
        self, images: Float[Tensor, "view 3 height width"], indices: Int64[Tensor, "view"]
    ) -> Float[Tensor, "view rows cols channel"]:
        """Encode images with pixels in -1 to 1, all of one scene; index 0 is the view whose frame the heads use."""
        patches = self.patchify(images)
        views, _, rows, cols = patches.shape
        places = torch.cartesian_prod(*(torch.arange(side, device=images.device) for side in (rows, cols)))
        positions = repeat(places, "t p -> v t p", v=views)
        tokens = rearrange(patches, "v d r c -> v (r c) d")
        for block in self.encoder:
            tokens = block(tokens, positions)
        tokens = self.projection(self.encoder_norm(tokens)) + self.index_table[indices][:, None]
        tokens = rearrange(tokens, "v t d -> 1 (v t) d")
        for block in self.fusion:
            tokens = block(tokens)
        fused: Tensor = rearrange(self.fusion_norm(tokens), "1 (v r c) d -> v r c d", v=views, r=rows)
        return fused


class RotaryAttention(Attention):
    """Attention whose queries and keys are turned by their place in the image."""

    def forward(
        self, tokens: Float[Tensor, "view token channel"], positions: Int64[Tensor, "view token 2"]
    ) -> Float[Tensor, "view token channel"]:
        """Attend among the tokens of each image."""
        query, key, value = rearrange(self.qkv(tokens), "v t (k h d) -> k v h t d", k=3, h=self.num_heads)
        attended = F.scaled_dot_product_attention(rotate(query, positions), rotate(key, positions), value)
        found: Tensor = self.proj(rearrange(attended, "v h t d -> v t (h d)"))
        return found


class RotaryBlock(Block):
    """A pre-norm block with rotary positions."""

    def __init__(self, width: int, heads: int, **options: object) -> None:
        super().__init__(width, heads, attn_layer=RotaryAttention, **options)

    def forward(
        self, tokens: Float[Tensor, "view token channel"], positions: Int64[Tensor, "view token 2"]
    ) -> Float[Tensor, "view token channel"]:
        """Attend, then transform."""
        tokens = tokens + self.attn(self.norm1(tokens), positions)
        found: Tensor = tokens + self.mlp(self.norm2(tokens))
        return found
