"""The probe: from frozen features of a few views of a clip to points, depth and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int64
from torch import Tensor, nn

from models.heads.block import LAYER_SCALE, Block
from models.heads.camera import CameraHead
from models.heads.dpt import DPTHead
from models.heads.linear import LinearHead

REGISTERS = 4  # tokens of each view beside its camera token
TAKEN = 4  # depths that the dense heads read


@dataclass(frozen=True)
class ProbeOutput:
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
    probe has width 1024, depth 4 and 383 M parameters. Lower steps of the capacity ladder: `across=False` reads every
    view by itself, its camera too; `depth=0` with linear heads every token by itself, and cameras from their mean.
    Source: specs/vidfm3d.md 2.1 (arXiv 2512.19949; the backbone of VGGT, arXiv 2503.11651).

    Args:
        channels: of the features.
        width: of the tokens.
        depth: pairs of blocks.
        heads: attention heads.
        across: whether views attend to each other.
        camera_depth: blocks of the camera head.
        dense: "dpt", or "linear" for heads that read each token by itself.
        dense_width: channels of the DPT heads' fusion.
        stages: channels of the DPT heads at each depth.
        subpixels: values that a linear head reads along each side of a token's cell.
        layer_scale: of all blocks at first; 0.01 as published, larger for short trainings.
    """

    def __init__(
        self,
        channels: int,
        width: int = 1024,
        depth: int = 4,
        heads: int = 16,
        across: bool = True,
        camera_depth: int = 4,
        dense: str = "dpt",
        dense_width: int = 256,
        stages: Sequence[int] = (256, 512, 1024, 1024),
        subpixels: int = 4,
        layer_scale: float = LAYER_SCALE,
    ) -> None:
        super().__init__()
        if dense not in ("dpt", "linear"):
            raise ValueError(f"dense={dense!r} is unknown: choose dpt or linear")
        self.channels, self.across = channels, across
        self.read_in = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, width))
        self.special = nn.Parameter(1e-6 * torch.randn(2, 1 + REGISTERS, width))  # of the first view, of the others
        self.within = nn.ModuleList(Block(width, heads, True, layer_scale) for _ in range(depth))
        self.among = nn.ModuleList(Block(width, heads, True, layer_scale) for _ in range(depth if across else 0))
        self.point_head, self.depth_head = (
            DPTHead(2 * width, outputs, dense_width, stages)
            if dense == "dpt"
            else LinearHead(2 * width, outputs, subpixels)
            for outputs in (4, 2)
        )
        self.camera_head = CameraHead(2 * width, camera_depth, heads, layer_scale=layer_scale)

    def forward(self, features: Float[Tensor, "batch view rows cols channel"], size: tuple[int, int]) -> ProbeOutput:
        """Read maps of `size` (height, width) and cameras."""
        batch, rows = features.shape[0], features.shape[2]
        layers = self._layers(features)
        camera = layers[-1][:, 0] if self.within else layers[-1][:, 1 + REGISTERS :].mean(1)
        camera = camera.unflatten(0, (batch, -1) if self.across else (-1, 1))  # alone, a view attends to itself
        grids = [rearrange(x[:, 1 + REGISTERS :], "n (r c) d -> n r c d", r=rows) for x in layers]
        taken = [grids[k * len(grids) // TAKEN] for k in range(TAKEN)]

        with torch.autocast(features.device.type, enabled=False):  # poses need more digits than bf16 has
            return self._read(camera.float(), [grid.float() for grid in taken], batch, size)

    def _read(self, camera: Tensor, taken: Sequence[Tensor], batch: int, size: tuple[int, int]) -> ProbeOutput:
        def read(head: nn.Module) -> tuple[Tensor, Tensor]:
            maps = rearrange(head(taken, size), "(b v) o h w -> b v h w o", b=batch)
            return maps[..., :-1], 1 + maps[..., -1].exp()

        (points, point_confidence), (depth, depth_confidence) = read(self.point_head), read(self.depth_head)
        return ProbeOutput(
            points=points.sign() * points.abs().expm1(),
            point_confidence=point_confidence,
            depth=depth[..., 0].exp(),
            depth_confidence=depth_confidence,
            cameras=[found.flatten(0, 1).unflatten(0, (batch, -1)) for found in self.camera_head(camera)],
        )

    def _layers(self, features: Tensor) -> list[Float[Tensor, "image token channel"]]:
        """Run the blocks; every layer is what the two blocks of a pair gave, side by side."""
        batch, views, rows, cols, _ = features.shape
        tokens = rearrange(self.read_in(features), "b v r c d -> b v (r c) d")
        of_view = torch.cat([self.special[:1], self.special[1:].expand(views - 1, -1, -1)])
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
