"""The probe: from frozen features of a few views of a clip to points, depth and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from models.heads.block import LAYER_SCALE, Block
from models.heads.camera import CameraHead
from models.heads.dpt import DPTHead
from models.heads.full_precision import full_precision
from models.heads.linear import LinearHead

REGISTERS = 4  # tokens of each view besides its camera token
HEAD_INPUTS = 4  # layers that the dense heads read


@dataclass(frozen=True)
class ProbeOutput:
    """The output of a probe: points in the first camera, z-depth, confidences, and cameras of every iteration.

    Lengths are in the unit of the clip (see `probes.clips.labels`). Confidences are 1 + exp of the network's output; no
    published loss or metric uses them.
    """

    points: Float[Tensor, "batch view height width 3"]
    point_confidence: Float[Tensor, "batch view height width"]
    depth: Float[Tensor, "batch view height width"]
    depth_confidence: Float[Tensor, "batch view height width"]
    cameras: list[Float[Tensor, "batch view 9"]]


class Probe(nn.Module):
    """Alternate attention within each view and among all views, and read points, depth and cameras.

    It does not see RGB. The first view is the reference and has its own camera and register tokens. The published probe
    has width 1024, depth 4 and 383 M parameters. Probes of lower capacity: `across=False` reads every view and its
    camera in isolation; `depth=0` with linear heads reads every token in isolation, and cameras from their mean.
    Source: specs/vidfm3d.md 2.1 (arXiv 2512.19949; the backbone of VGGT, arXiv 2503.11651).

    Args:
        channels: channels of the features.
        width: channels of the tokens.
        depth: number of pairs of blocks.
        heads: attention heads.
        across: whether views attend to each other.
        camera_depth: blocks of the camera head.
        dense: "dpt"; "vggt" for DPT heads that fuse levels as the published code does (`models.heads.dpt`); or "linear"
            for heads that read each token in isolation.
        dense_width: channels of the DPT heads' fusion.
        stages: channels of the DPT heads at each depth.
        subpixels: values that a linear head predicts along each side of a token's cell.
        layer_scale: initial layer scale of all blocks; 0.01 as published, larger for short trainings.
        gradient_checkpointing: recompute the blocks in the backward pass to save memory.

    Raises:
        ValueError: unknown `dense`.
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
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if dense not in ("dpt", "vggt", "linear"):
            raise ValueError(f"unknown dense={dense!r}: choose dpt, vggt or linear")
        self.channels, self.across, self.gradient_checkpointing = channels, across, gradient_checkpointing
        self.read_in = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, width))
        self.special = nn.Parameter(1e-6 * torch.randn(2, 1 + REGISTERS, width))  # of the first view, of the others
        self.within = nn.ModuleList(Block(width, heads, True, layer_scale) for _ in range(depth))
        self.among = nn.ModuleList(Block(width, heads, True, layer_scale) for _ in range(depth if across else 0))
        self.point_head, self.depth_head = (
            LinearHead(2 * width, outputs, subpixels)
            if dense == "linear"
            else DPTHead(2 * width, outputs, dense_width, stages, vggt=dense == "vggt")
            for outputs in (4, 2)
        )
        self.camera_head = CameraHead(2 * width, camera_depth, heads, layer_scale=layer_scale)

    def forward(self, features: Float[Tensor, "batch view rows cols channel"], size: tuple[int, int]) -> ProbeOutput:
        """Predict maps of `size` (height, width) and cameras."""
        batch, rows = features.shape[0], features.shape[2]
        layers = self._layers(features)
        camera = layers[-1][:, 0] if self.within else layers[-1][:, 1 + REGISTERS :].mean(1)
        camera = camera.unflatten(0, (batch, -1) if self.across else (-1, 1))  # else a view attends only to itself
        grids = [rearrange(x[:, 1 + REGISTERS :], "n (r c) d -> n r c d", r=rows) for x in layers]
        head_inputs = [grids[k * len(grids) // HEAD_INPUTS].float() for k in range(HEAD_INPUTS)]

        with full_precision(features.device):
            return self._predict(camera.float(), head_inputs, batch, size)

    def _predict(self, camera: Tensor, grids: Sequence[Tensor], batch: int, size: tuple[int, int]) -> ProbeOutput:
        def predict(head: nn.Module) -> tuple[Tensor, Tensor]:
            maps = rearrange(head(grids, size), "(b v) o h w -> b v h w o", b=batch)
            return maps[..., :-1], 1 + maps[..., -1].exp()

        (points, point_confidence), (depth, depth_confidence) = predict(self.point_head), predict(self.depth_head)
        return ProbeOutput(
            points=points.sign() * points.abs().expm1(),
            point_confidence=point_confidence,
            depth=depth[..., 0].exp(),
            depth_confidence=depth_confidence,
            cameras=[encoding.flatten(0, 1).unflatten(0, (batch, -1)) for encoding in self.camera_head(camera)],
        )

    def _layers(self, features: Tensor) -> list[Float[Tensor, "image token channel"]]:
        """Run the blocks; a layer is the outputs of both blocks of a pair, concatenated along the channels."""
        batch, views, rows, cols, _ = features.shape
        tokens = rearrange(self.read_in(features), "b v r c d -> b v (r c) d")
        special = torch.cat([self.special[:1], self.special[1:].expand(views - 1, -1, -1)])
        tokens = torch.cat([special.expand(batch, -1, -1, -1).to(tokens), tokens], 2)
        tokens = rearrange(tokens, "b v t d -> (b v) t d")
        grid = positions(rows, cols, features.device)
        within_positions = repeat(grid, "t p -> n t p", n=batch * views)
        among_positions = repeat(grid, "t p -> b (v t) p", b=batch, v=views)
        if not self.within:
            return [torch.cat([tokens, tokens], -1)]
        layers = []
        for number, block in enumerate(self.within):
            tokens = within = self._run(block, tokens, within_positions)
            if self.among:
                clip_tokens = rearrange(tokens, "(b v) t d -> b (v t) d", b=batch)
                clip_tokens = self._run(self.among[number], clip_tokens, among_positions)
                tokens = rearrange(clip_tokens, "b (v t) d -> (b v) t d", v=views)
            layers.append(torch.cat([within, tokens], -1))
        return layers

    def _run(self, block: nn.Module, tokens: Tensor, places: Tensor) -> Tensor:
        recomputed = self.gradient_checkpointing and torch.is_grad_enabled()
        output: Tensor = checkpoint(block, tokens, places, use_reentrant=False) if recomputed else block(tokens, places)
        return output


def positions(rows: int, cols: int, device: torch.device) -> Int64[Tensor, "token 2"]:
    """List the row and column of every token of a view, counted from 1; special tokens come first, at (0, 0)."""
    grid = torch.cartesian_prod(torch.arange(1, rows + 1, device=device), torch.arange(1, cols + 1, device=device))
    return torch.cat([grid.new_zeros(1 + REGISTERS, 2), grid])
