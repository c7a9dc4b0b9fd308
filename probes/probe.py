"""The probe: from frozen features of a few views of a clip to points, depth and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int64
from torch import Tensor, nn

from models.heads.block import Block
from models.heads.camera import CameraHead
from models.heads.dpt import DPTHead

REGISTERS = 4  # tokens of each view beside its camera token
TAKEN = 4  # depths that the dense heads read


@dataclass(frozen=True)
class Perceived:
    """What a probe reads: points in the first camera, z-depth, confidences, and pose encodings of every iteration.

    Lengths are in units of the clip (see `probes.losses`). Confidences are 1 + exp of what comes out; no published loss
    or metric uses them.
    """

    points: Float[Tensor, "batch view height width 3"]
    point_confidence: Float[Tensor, "batch view height width"]
    depth: Float[Tensor, "batch view height width"]
    depth_confidence: Float[Tensor, "batch view height width"]
    cameras: list[Float[Tensor, "batch view 9"]]


class Probe(nn.Module):
    """Alternate attention within each view and among all views, and read points, depth and cameras.

    RGB is not given to it. The first view has camera and register tokens of its own: it is the reference. The published
    probe has width 1024, depth 4 and 383 M parameters; `depth=0` reads every token by itself, `across=False` every
    view by itself (the capacity ladder).
    Source: specs/vidfm3d.md 2.1 (arXiv 2512.19949; the backbone of VGGT, arXiv 2503.11651).

    Args:
        channels: of the features.
        width: of the tokens.
        depth: pairs of blocks.
        heads: attention heads.
        across: whether views attend to each other.
        camera_depth: blocks of the camera head.
        dense_width: channels of the dense heads' fusion.
        stages: channels of the dense heads at each depth.
    """

    def __init__(
        self,
        channels: int,
        width: int = 1024,
        depth: int = 4,
        heads: int = 16,
        across: bool = True,
        camera_depth: int = 4,
        dense_width: int = 256,
        stages: Sequence[int] = (256, 512, 1024, 1024),
    ) -> None:
        super().__init__()
        self.read_in = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, width))
        self.special = nn.Parameter(1e-6 * torch.randn(2, 1 + REGISTERS, width))  # of the first view, of the others
        self.within = nn.ModuleList(Block(width, heads, normalise=True) for _ in range(depth))
        self.among = nn.ModuleList(Block(width, heads, normalise=True) for _ in range(depth if across else 0))
        self.point_head = DPTHead(2 * width, 4, dense_width, stages)
        self.depth_head = DPTHead(2 * width, 2, dense_width, stages)
        self.camera_head = CameraHead(2 * width, camera_depth, heads)

    def forward(self, features: Float[Tensor, "batch view rows cols channel"], size: tuple[int, int]) -> Perceived:
        """Read maps of `size` (height, width) and cameras."""
        batch, rows = features.shape[0], features.shape[2]
        layers = self._layers(features)
        camera = rearrange(layers[-1][:, 0], "(b v) d -> b v d", b=batch)
        grids = [rearrange(x[:, 1 + REGISTERS :], "n (r c) d -> n r c d", r=rows) for x in layers]
        taken = [grids[k * len(grids) // TAKEN] for k in range(TAKEN)]

        def read(head: DPTHead) -> tuple[Tensor, Tensor]:
            maps = rearrange(head(taken, size), "(b v) o h w -> b v h w o", b=batch)
            return maps[..., :-1], 1 + maps[..., -1].exp()

        (points, point_confidence), (depth, depth_confidence) = read(self.point_head), read(self.depth_head)
        return Perceived(
            points=points.sign() * points.abs().expm1(),
            point_confidence=point_confidence,
            depth=depth[..., 0].exp(),
            depth_confidence=depth_confidence,
            cameras=self.camera_head(camera),
        )

    def _layers(self, features: Tensor) -> list[Float[Tensor, "image token channel"]]:
        """Run the blocks; every layer is what the two blocks of a pair gave, side by side."""
        batch, views, rows, cols, _ = features.shape
        tokens = rearrange(self.read_in(features), "b v r c d -> b v (r c) d")
        of_view = self.special[(torch.arange(views, device=features.device) > 0).long()]
        tokens = torch.cat([of_view.expand(batch, -1, -1, -1).to(tokens), tokens], 2)
        tokens = rearrange(tokens, "b v t d -> (b v) t d")
        places = positions(rows, cols, features.device)
        each = repeat(places, "t p -> n t p", n=batch * views)
        every = repeat(places, "t p -> b (v t) p", b=batch, v=views)
        if not self.within:
            return [torch.cat([tokens, tokens], -1)]
        layers = []
        for number, block in enumerate(self.within):
            tokens = inside = block(tokens, each)
            if self.among:
                whole = rearrange(tokens, "(b v) t d -> b (v t) d", b=batch)
                tokens = rearrange(self.among[number](whole, every), "b (v t) d -> (b v) t d", v=views)
            layers.append(torch.cat([inside, tokens], -1))
        return layers


def positions(rows: int, cols: int, device: torch.device) -> Int64[Tensor, "token 2"]:
    """List row and column of every token of a view, from 1 on; special tokens come first and are at 0."""
    grid = torch.cartesian_prod(torch.arange(1, rows + 1, device=device), torch.arange(1, cols + 1, device=device))
    return torch.cat([grid.new_zeros(1 + REGISTERS, 2), grid])
