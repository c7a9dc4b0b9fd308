"""The video transformer of V-JEPA (arXiv 2404.08471): fixed positions, where V-JEPA 2 has rotary ones."""

from __future__ import annotations

from functools import partial

from einops import rearrange
from jaxtyping import Float
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.encoders.sincos import sincos_3d


class VideoVisionTransformer(nn.Module):
    """Tubelets, positions added once, pre-norm blocks, a last norm.

    Args:
        width: channels of a token.
        depth: blocks.
        heads: attention heads.
        grid: slots, rows and columns of the clips it was trained on; positions of other grids lie between these.
        patch: pixels that a token spans in height and in width.
        tubelet: frames that it spans.
    """

    positions: Tensor

    def __init__(
        self, width: int, depth: int, heads: int, grid: tuple[int, int, int], patch: int = 16, tubelet: int = 2
    ) -> None:
        super().__init__()
        self.patch, self.tubelet = patch, tubelet
        cell = (tubelet, patch, patch)
        norm = partial(nn.LayerNorm, eps=1e-6)
        self.patchify = nn.Conv3d(3, width, cell, stride=cell)
        self.register_buffer("positions", sincos_3d(grid, width))
        self.blocks = nn.ModuleList(Block(width, heads, qkv_bias=True, norm_layer=norm) for _ in range(depth))
        self.norm = norm(width)

    def forward(self, video: Float[Tensor, "batch time 3 height width"]) -> Float[Tensor, "batch token channel"]:
        """Encode normalised frames; tokens come time first, then rows, then columns."""
        patches = self.patchify(rearrange(video, "b t c h w -> b c t h w"))
        tokens = rearrange(patches + self.positions_of(patches), "b d s r c -> b (s r c) d")
        for block in self.blocks:
            tokens = block(tokens)
        found: Tensor = self.norm(tokens)
        return found

    def positions_of(
        self, patches: Float[Tensor, "batch channel slot rows cols"]
    ) -> Float[Tensor, "1 channel slot rows cols"]:
        """Interpolate the positions to a grid; on the trained one they stay as they are."""
        table = rearrange(self.positions, "s r c d -> 1 d s r c").float()  # half precision would shift them
        return interpolate(table, patches.shape[2:], mode="trilinear").to(patches)
