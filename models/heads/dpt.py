"""A DPT head with image positions, as VGGT has: dense maps from the tokens of four depths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from transformers import DPTConfig
from transformers.models.dpt.modeling_dpt import DPTNeck

from models.heads.full_precision import full_precision

FACTORS = (4, 2, 1, 0.5)  # resolution at which each depth is fused, relative to the tokens' grid
POSITION_SHARE, POSITION_BASE = 0.1, 100.0


class DPTHead(nn.Module):
    """Predict `outputs` maps of any size from tokens of four depths, as raw values in float32.

    The tokens pass a shared layer norm and transformers' DPT neck. Sinusoidal image positions, times 0.1, are added
    after every projection and before the last layers. Levels are fused as transformers does, or as VGGT does
    (`fuse_as_vggt`); parameters are the same.
    Source: DPT (arXiv 2103.13413) as in VGGT (arXiv 2503.11651); specs/vidfm3d.md 2.1.

    Args:
        channels: channels of a token.
        outputs: maps per frame.
        width: channels of the fusion.
        stages: channels at each depth.
        vggt: whether levels are fused as in VGGT and the published probe.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        width: int = 256,
        stages: Sequence[int] = (256, 512, 1024, 1024),
        vggt: bool = False,
    ) -> None:
        super().__init__()
        self.vggt = vggt
        self.norm = nn.LayerNorm(channels)
        self.neck = DPTNeck(
            DPTConfig(
                hidden_size=channels,
                neck_hidden_sizes=list(stages),
                fusion_hidden_size=width,
                reassemble_factors=list(FACTORS),
                readout_type="ignore",
                use_batch_norm_in_fusion_residual=False,
            )
        )
        self.neck.fusion_stage.layers[0].residual_layer1 = None  # the deepest level has nothing to be fused with
        self.narrow = nn.Conv2d(width, width // 2, 3, padding=1)
        self.last = nn.Sequential(nn.Conv2d(width // 2, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, outputs, 1))

    def forward(
        self, layers: Sequence[Float[Tensor, "image rows cols channel"]], size: tuple[int, int]
    ) -> Float[Tensor, "image output height width"]:
        """Predict maps of `size` (height, width)."""
        with full_precision(layers[0].device):
            aspect = size[1] / size[0]
            levels = []
            reassembled = self.neck.reassemble_stage.layers
            for tokens, reassemble, conv in zip(layers, reassembled, self.neck.convs, strict=True):
                maps = reassemble.projection(rearrange(self.norm(tokens.float()), "n r c d -> n d r c"))
                levels.append(conv(reassemble.resize(with_positions(maps, aspect))))
            stage = self.neck.fusion_stage
            fused = fuse_as_vggt(stage.layers, levels) if self.vggt else stage(levels)[-1]
            whole = F.interpolate(self.narrow(fused), size, mode="bilinear", align_corners=True)
            predicted: Tensor = self.last(with_positions(whole, aspect))
            return predicted


def fuse_as_vggt(
    layers: Iterable[Any], levels: Sequence[Float[Tensor, "image channel _ _"]]
) -> Float[Tensor, "image channel rows cols"]:
    """Fuse levels, finest first, into one map of twice the finest resolution, as VGGT's code does.

    `layers` are those of transformers' fusion stage, coarsest first. The stage itself differs in two points:

    - Its residual units add x. In VGGT the first ReLU of a unit works in place, so that the unit adds relu(x).
    - It doubles fused maps and resizes the next finer level to them. VGGT resizes fused maps to that level. Values
      differ where the tokens' grid has an odd side.

    Source: `ResidualConvUnit` and `FeatureFusionBlock` of VGGT (arXiv 2503.11651).
    """
    coarsest = len(levels) - 1
    sizes = [(2 * levels[0].shape[-2], 2 * levels[0].shape[-1]), *(level.shape[-2:] for level in levels)]
    fused = levels[coarsest]
    for number, layer in zip(range(coarsest, -1, -1), layers, strict=True):
        if number < coarsest:
            fused = fused + layer.residual_layer1(levels[number].relu())
        fused = layer.residual_layer2(fused.relu())
        fused = layer.projection(F.interpolate(fused, sizes[number], mode="bilinear", align_corners=True))
    return fused


def with_positions(
    maps: Float[Tensor, "image channel rows cols"], aspect: float
) -> Float[Tensor, "image channel rows cols"]:
    """Add sinusoids of the image position: x in the first half of the channels, y in the second.

    Positions are scaled so that the diagonal of the picture (of sides `aspect` and 1) has length 2.
    """
    rows, cols = maps.shape[-2:]
    diagonal = (aspect**2 + 1) ** 0.5
    x, y = (
        torch.linspace(-1, 1, count, device=maps.device) * (span / diagonal) * (count - 1) / count
        for count, span in ((cols, aspect), (rows, 1.0))
    )
    pairs = maps.shape[1] // 4
    frequency = POSITION_BASE ** -(torch.arange(pairs, device=maps.device) / pairs)

    def waves(coordinates: Tensor) -> Tensor:
        angle = frequency[:, None] * coordinates
        return torch.cat([angle.sin(), angle.cos()])

    along_x = waves(x)[:, None].expand(-1, rows, -1)
    along_y = waves(y)[:, :, None].expand(-1, -1, cols)
    return maps + POSITION_SHARE * torch.cat([along_x, along_y]).to(maps)
