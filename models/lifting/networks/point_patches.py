"""Tokens of a point map: one for each window of points, with a learned embedding of invalid points."""

from __future__ import annotations

from typing import Literal

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from models.geometry import PointMap


class PointPatchEmbed(nn.Module):
    """Embed a canonical point map by attention inside windows of `patch` x `patch` points.

    xyz -> linear; an invalid point is a learned vector instead; a class token and a position in the window join; one
    transformer block runs in each window alone; its class token, with the window's position, is the window's token.
    Coordinates enter as they are, because the map is normalised, or by asinh, where the object is a small part of it.
    Source: PointPatchEmbed of SAM 3D, specs/sam3d.md 2.1, after MCC (arXiv 2301.08247).

    Args:
        width: channels inside the windows and of a token.
        size: pixels along a side of the point map.
        patch: pixels along a side of a window.
        heads: attention heads in a window.
        remap: of coordinates; the released model has "linear".
    """

    def __init__(
        self,
        *,
        width: int = 64,
        size: int = 64,
        patch: int = 8,
        heads: int = 4,
        remap: Literal["linear", "asinh"] = "linear",
    ) -> None:
        super().__init__()
        if size % patch:
            raise ValueError(f"windows of {patch} pixels do not divide a side of {size}; choose a divisor")
        self.channels, self.size, self.patch, self.remap = width, size, patch, remap
        self.embed = nn.Linear(3, width)
        self.unknown = nn.Parameter(0.02 * torch.randn(width))
        self.readout = nn.Parameter(0.02 * torch.randn(width))
        self.in_window = nn.Parameter(0.02 * torch.randn(1 + patch**2, width))
        self.of_window = nn.Parameter(0.02 * torch.randn((size // patch) ** 2, width))
        self.block = Block(width, heads, mlp_ratio=2.0, qkv_bias=True)

    def forward(self, points: PointMap) -> Float[Tensor, "object token channel"]:
        """Embed point maps of (object, size, size). Raises ValueError where they are not canonical."""
        if points.frame != "canonical":
            raise ValueError(f"point patches need canonical points, got the frame {points.frame!r}: normalise first")
        xyz = points.xyz.asinh() if self.remap == "asinh" else points.xyz
        embedded = torch.where(points.valid[..., None], self.embed(xyz), self.unknown)
        windows = rearrange(embedded, "b (r i) (c j) d -> (b r c) (i j) d", i=self.patch, j=self.patch)
        readout = repeat(self.readout, "d -> w 1 d", w=len(windows))
        class_tokens = self.block(torch.cat([readout, windows], 1) + self.in_window)[:, 0]
        tokens: Tensor = rearrange(class_tokens, "(b t) d -> b t d", t=len(self.of_window)) + self.of_window
        return tokens
